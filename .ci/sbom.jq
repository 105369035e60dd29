# Makes a CycloneDX 1.6 bill of materials from the output of `cargo metadata`.
#
# Arguments: $linked and $built (the output of `cargo tree`, one package per line), $lock (Cargo.lock as text), $rust and $libc
# ({name, version, purl, license}), $sha256 (of the binary), $timestamp.
# Linked packages are `required`. Packages that are only used for the build (build scripts and macros, with their dependencies) are
# `excluded`. Packages that only the tests use are left out.

# {"NAME@VERSION": true}
def listed: [split("\n")[] | capture("^(?<name>\\S+) v(?<version>\\S+)") | {key: "\(.name)@\(.version)", value: true}]
    | from_entries;

# {"NAME@VERSION": checksum}
def checksums:
    [split("[[package]]\n")[1:][]
        | capture("^name = \"(?<name>[^\"]+)\"\nversion = \"(?<version>[^\"]+)\"[^\\[]*checksum = \"(?<sum>[0-9a-f]+)\"")
        | {key: "\(.name)@\(.version)", value: .sum}]
    | from_entries;

# crates.io used to accept a slash for OR.
def expression: gsub("\\s*/\\s*"; " OR ");
def key: "\(.name)@\(.version)";
def purl: "pkg:cargo/\(.name)@\(.version | gsub("\\+"; "%2B"))";

($linked | listed) as $linked
| ($built | listed) as $built
| ($lock | checksums) as $checksums
| .resolve.root as $root
| (.packages | map({key: .id, value: .}) | from_entries) as $packages
| [.packages[] | select(.id == $root or $built[key])] as $parts
| [$rust, $libc | {type: "library", "bom-ref": .purl, name, version, scope: "required",
      licenses: [{expression: .license}], purl}] as $below
| {
    bomFormat: "CycloneDX", specVersion: "1.6", version: 1,
    metadata: {
        timestamp: $timestamp,
        lifecycles: [{phase: "build"}],
        component: ($packages[$root] | {
            type: "application", "bom-ref": purl, name, version, description,
            hashes: [{alg: "SHA-256", content: $sha256}],
            licenses: [{expression: .license}], purl: purl
        })
    },
    components: ([$parts[] | select(.id != $root) | $checksums[key] as $sum
        | {type: "library", "bom-ref": purl, name, version,
            scope: (if $linked[key] then "required" else "excluded" end)}
        + (if $sum then {hashes: [{alg: "SHA-256", content: $sum}]} else {} end)
        + (if .license then {licenses: [{expression: (.license | expression)}]} else {} end)
        + {purl: purl}
        + (if .repository then {externalReferences: [{type: "vcs", url: .repository}]} else {} end)]
        + $below | sort_by(."bom-ref")),
    dependencies: ([.resolve.nodes[] | .id as $id | $packages[$id] | select($id == $root or $built[key]) | purl]
        as $known
        | [.resolve.nodes[] | .id as $id | ($packages[$id] | purl) as $ref | select($known | index($ref))
            | [.deps[] | select(any(.dep_kinds[]; .kind != "dev")) | $packages[.pkg] | select($built[key]) | purl] as $to
            | {ref: $ref, dependsOn: ($to + (if $id == $root then $below | map(."bom-ref") else [] end) | unique)}]
        + [$below[] | {ref: ."bom-ref", dependsOn: []}] | sort_by(.ref))
}
