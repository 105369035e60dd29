//! The rules of the three formats, each on a policy small enough to read.

use super::*;
use serde_json::json;

fn host(architecture: &str, kernel: (u32, u32)) -> SeccompFacts {
    SeccompFacts { architecture: architecture.to_owned(), kernel }
}

fn text(filter: &Seccomp) -> String {
    serde_json::to_string(filter).unwrap()
}

/// The first name of each rule, in order.
fn names(filter: &Seccomp) -> Vec<&str> {
    filter.syscalls.iter().map(|rule| rule.names[0].as_str()).collect()
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn rule(name: &str, condition: &str, what: &Value) -> Value {
    json!({ "names": [name], "action": "SCMP_ACT_ALLOW", condition: what })
}

fn docker(rules: &[Value]) -> Value {
    json!({ "defaultAction": "SCMP_ACT_ERRNO", "syscalls": rules })
}

/// What is wrong, in the form `path: description`.
fn wrong(result: Result<Seccomp, SeccompError>) -> Vec<String> {
    let Err(SeccompError::Policy(violations)) = result else { panic!("{result:?}") };
    violations.iter().map(ToString::to_string).collect()
}

fn wrong_docker(json: &Value) -> Vec<String> {
    wrong(docker_policy(json, &host("amd64", (6, 1)), &[]))
}

#[test]
fn every_default_policy_can_be_read() {
    assert_eq!(default_names().count(), 10);
    for name in default_names() {
        let filter = runtime_default(name, &host("amd64", (6, 1)), &[]).unwrap();
        assert!(filter.syscalls[0].names.len() > 300, "{name}");
    }
    let error = runtime_default("containerd-3.0", &host("amd64", (6, 1)), &[]).unwrap_err();
    assert!(error.to_string().contains("containerd-3.0, known are containerd-1.6"), "{error}");
    assert_eq!(error.within("options.seccomp").iter().next().unwrap().field, "options.seccomp");
}

#[test]
fn a_whole_filter_has_gos_order_of_fields() {
    let policy = json!({
        "syscalls": [{
            "args": [{ "op": "SCMP_CMP_MASKED_EQ", "valueTwo": 7, "value": u64::MAX, "index": 5 }],
            "errnoRet": 38, "action": "SCMP_ACT_ERRNO", "names": ["b", "a"]
        }],
        "listenerMetadata": "m", "listenerPath": "/l", "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "architectures": ["SCMP_ARCH_X86_64"], "defaultErrnoRet": 1, "defaultAction": "SCMP_ACT_ERRNO"
    });
    let want = concat!(
        r#"{"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":1,"architectures":["SCMP_ARCH_X86_64"],"#,
        r#""flags":["SECCOMP_FILTER_FLAG_LOG"],"listenerPath":"/l","listenerMetadata":"m","#,
        r#""syscalls":[{"names":["b","a"],"action":"SCMP_ACT_ERRNO","errnoRet":38,"#,
        r#""args":[{"index":5,"value":18446744073709551615,"valueTwo":7,"op":"SCMP_CMP_MASKED_EQ"}]}]}"#,
    );
    assert_eq!(text(&oci_object(&policy).unwrap()), want);
    assert_eq!(text(&docker_policy(&policy, &host("s390x", (1, 0)), &[]).unwrap()), want);
}

#[test]
fn what_means_the_same_when_absent_is_left_out() {
    let policy = json!({
        "defaultAction": "SCMP_ACT_LOG", "defaultErrnoRet": null, "architectures": [], "flags": null,
        "listenerPath": "", "listenerMetadata": "",
        "syscalls": [{
            "names": ["socket"], "action": "SCMP_ACT_ALLOW", "errnoRet": null,
            "args": [{ "index": 0, "value": 0, "valueTwo": 0, "op": "SCMP_CMP_EQ" }]
        }, { "names": ["read"], "action": "SCMP_ACT_ALLOW", "args": [] }]
    });
    assert_eq!(
        text(&oci_object(&policy).unwrap()),
        concat!(
            r#"{"defaultAction":"SCMP_ACT_LOG","syscalls":[{"names":["socket"],"action":"SCMP_ACT_ALLOW","#,
            r#""args":[{"index":0,"value":0,"op":"SCMP_CMP_EQ"}]},{"names":["read"],"action":"SCMP_ACT_ALLOW"}]}"#,
        )
    );
    let bare = json!({ "defaultAction": "SCMP_ACT_ALLOW", "syscalls": [] });
    assert_eq!(text(&oci_object(&bare).unwrap()), r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#);
}

#[test]
fn no_flags_at_all_stays_in_an_oci_object_alone() {
    let policy = json!({ "defaultAction": "SCMP_ACT_ALLOW", "flags": [] });
    let given = oci_object(&policy).unwrap();
    assert_eq!(text(&given), r#"{"defaultAction":"SCMP_ACT_ALLOW","flags":[]}"#);
    let docker = docker_policy(&policy, &host("amd64", (6, 1)), &[]).unwrap();
    assert_eq!(text(&docker), r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#);
}

#[test]
fn conditions_on_the_architecture() {
    let policy = docker(&[
        rule("x86-only", "includes", &json!({ "arches": ["x86", "x32"] })),
        rule("not-s390", "excludes", &json!({ "arches": ["s390", "s390x"] })),
        rule("loong", "includes", &json!({ "arches": ["loongarch64"] })),
        rule("always", "includes", &json!({ "arches": [] })),
    ]);
    for (architecture, want) in [
        ("386", &["x86-only", "not-s390", "always"][..]),
        ("amd64", &["not-s390", "always"]),
        ("s390x", &["always"]),
        ("loong64", &["not-s390", "loong", "always"]),
        ("pdp11", &["not-s390", "always"]),
    ] {
        let filter = docker_policy(&policy, &host(architecture, (6, 1)), &[]).unwrap();
        assert_eq!(names(&filter), want, "{architecture}");
    }
}

#[test]
fn conditions_on_the_kernel() {
    let policy = docker(&[
        rule("from", "includes", &json!({ "minKernel": "4.8" })),
        rule("until", "excludes", &json!({ "minKernel": "4.8" })),
        rule("any", "includes", &json!({ "minKernel": null })),
    ]);
    for (kernel, want) in [
        ((3, 19), &["until", "any"]),
        ((4, 7), &["until", "any"]),
        ((4, 8), &["from", "any"]),
        ((4, 10), &["from", "any"]),
        ((5, 0), &["from", "any"]),
    ] {
        let filter = docker_policy(&policy, &host("amd64", kernel), &[]).unwrap();
        assert_eq!(names(&filter), want, "{kernel:?}");
    }
}

#[test]
fn conditions_on_capabilities_want_all_to_include_and_one_to_exclude() {
    let both = json!({ "caps": ["CAP_BPF", "CAP_PERFMON"] });
    let policy = docker(&[
        rule("both", "includes", &both),
        rule("neither", "excludes", &both),
        rule("boot", "includes", &json!({ "caps": ["CAP_SYS_BOOT"] })),
    ]);
    for (bounding, want) in [
        (&[][..], &["neither"][..]),
        (&["CAP_BPF"], &[]),
        (&["CAP_SYS_BOOT", "CAP_PERFMON", "CAP_BPF"], &["both", "boot"]),
    ] {
        let filter = docker_policy(&policy, &host("amd64", (6, 1)), &owned(bounding)).unwrap();
        assert_eq!(names(&filter), want, "{bounding:?}");
    }
}

#[test]
fn containerds_rules_for_capabilities_come_in_the_bounding_sets_order() {
    let rules = |bounding: &[&str]| {
        let bounding = owned(bounding);
        let filter =
            runtime_default("containerd-2.4", &host("riscv64", (4, 4)), &bounding).unwrap();
        let all: Vec<String> = names(&filter).into_iter().map(str::to_owned).collect();
        let start = all.iter().position(|name| name == "riscv_flush_icache").unwrap();
        all[start + 1..].to_vec()
    };
    assert_eq!(rules(&[]), ["clone", "clone3"]);
    assert_eq!(
        rules(&["CAP_CHOWN", "CAP_SYS_TIME", "CAP_SYS_CHROOT"]),
        ["settimeofday", "chroot", "clone", "clone3"]
    );
    assert_eq!(
        rules(&["CAP_SYS_CHROOT", "CAP_SYS_ADMIN", "CAP_SYS_TIME"]),
        ["chroot", "bpf", "settimeofday"]
    );
    assert_eq!(rules(&["CAP_BPF", "CAP_BPF"]), ["bpf", "bpf", "clone", "clone3"]);
}

#[test]
fn architectures_of_the_filter() {
    let of = |name: &str, architecture: &str| {
        let filter = runtime_default(name, &host(architecture, (6, 1)), &[]).unwrap();
        if filter.architectures.is_empty() { Value::Null } else { json!(filter.architectures) }
    };
    assert_eq!(of("containerd-2.4", "arm64"), json!(["SCMP_ARCH_ARM", "SCMP_ARCH_AARCH64"]));
    assert_eq!(of("docker", "arm64"), json!(["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]));
    assert_eq!(of("containerd-2.0", "loong64"), Value::Null, "known since 2.1");
    assert_eq!(of("containerd-2.1", "loong64"), json!(["SCMP_ARCH_LOONGARCH64"]));
    assert_eq!(of("docker", "riscv64"), json!(["SCMP_ARCH_RISCV64"]), "none beside its own");
    assert_eq!(of("docker-28", "loong64"), Value::Null, "known since 29");
    assert_eq!(of("docker-29", "loong64"), json!(["SCMP_ARCH_LOONGARCH64"]));
    for name in ["containerd-2.4", "docker"] {
        assert_eq!(of(name, "ppc64le"), Value::Null);
        assert_eq!(of(name, "pdp11"), Value::Null);
    }
}

#[test]
fn the_older_form_of_a_name() {
    let mut policy = docker(&[
        json!({ "name": "read", "action": "SCMP_ACT_ALLOW", "args": null, "comment": "c", "includes": {} }),
    ]);
    let filter = docker_policy(&policy, &host("amd64", (6, 1)), &[]).unwrap();
    assert_eq!(names(&filter), ["read"]);
    policy["syscalls"][0]["names"] = json!(["write"]);
    assert_eq!(wrong_docker(&policy), ["syscalls[0].name: must not stand beside names"]);
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let policy = json!({
        "defaultAction": "SCMP_ACT_DENY",
        "sycalls": [],
        "architectures": ["SCMP_ARCH_X86_64"],
        "archMap": [{ "architecture": "SCMP_ARCH_ARM" }, { "subArchitectures": [] }, 7],
        "flags": "SECCOMP_FILTER_FLAG_LOG",
        "listenerMetadata": "m",
        "syscalls": [
            { "names": [], "action": "SCMP_ACT_ALLOW", "errnoRet": 1 },
            { "names": ["", 7, "a\0"], "action": { "SCMP_ACT_ALLOW": null } },
            { "names": ["write"], "action": "SCMP_ACT_NOTIFY" },
            { "names": ["x"], "action": "SCMP_ACT_ERRNO", "errnoRet": 4096 },
            { "names": ["x"], "action": "SCMP_ACT_ALLOW", "args": [
                { "index": 6, "value": -1, "valueTwo": 1.5, "op": "EQ" }, {} ] },
            rule("x", "includes", &json!({ "caps": ["SYS_ADMIN"], "arches": [1], "minKernel": "4" })),
            rule("x", "excludes", &json!({ "kernel": "4.8", "minKernel": "+4.8" })),
            null
        ]
    });
    let found = wrong_docker(&policy);
    let paths: Vec<&str> =
        found.iter().filter_map(|line| line.split_once(": ")).map(|(path, _)| path).collect();
    assert_eq!(
        paths,
        [
            "sycalls",
            "defaultAction",
            "listenerMetadata",
            "flags",
            "archMap[1].architecture",
            "archMap[2]",
            "archMap",
            "syscalls[0].names",
            "syscalls[0].errnoRet",
            "syscalls[1].names[0]",
            "syscalls[1].names[1]",
            "syscalls[1].names[2]",
            "syscalls[1].action",
            "syscalls[2].action",
            "syscalls[2].names",
            "syscalls[3].errnoRet",
            "syscalls[4].args[0].index",
            "syscalls[4].args[0].value",
            "syscalls[4].args[0].valueTwo",
            "syscalls[4].args[0].op",
            "syscalls[4].args[1].index",
            "syscalls[4].args[1].value",
            "syscalls[4].args[1].op",
            "syscalls[5].includes.minKernel",
            "syscalls[5].includes.caps[0]",
            "syscalls[5].includes.arches[0]",
            "syscalls[6].excludes.kernel",
            "syscalls[6].excludes.minKernel",
            "syscalls[7]",
        ]
    );
    let says =
        |part: &str| assert!(found.iter().any(|line| line.contains(part)), "{part}: {found:#?}");
    says("must be one of SCMP_ACT_KILL, ");
    says("sycalls: is not known, known are defaultAction");
    says("unknown capability SYS_ADMIN, for example CAP_SYS_ADMIN");
    says("must be a whole number from 0 to 4094");
}

#[test]
fn what_is_no_policy() {
    assert_eq!(wrong_docker(&json!([])), [": must be an object, not a list"]);
    assert_eq!(wrong_docker(&json!({})), ["defaultAction: is missing"]);
    assert_eq!(wrong(oci_object(&Value::Null)), [": must be an object, not null"]);
    let notify = json!({ "defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/l" });
    assert!(wrong(oci_object(&notify))[0].starts_with("defaultAction: must not be"));
    let errno = json!({ "defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1 });
    assert!(wrong(oci_object(&errno))[0].starts_with("defaultErrnoRet: is only for"));
    for version in ["", "0.0", "4", "4.", ".8", "4.8.1", "4.256", "-4.8", " 4.8", "v4.8"] {
        let policy = docker(&[rule("x", "includes", &json!({ "minKernel": version }))]);
        assert_eq!(wrong_docker(&policy).len(), 1, "{version}");
    }
}

#[test]
fn a_format_is_not_taken_for_another() {
    let policy = json!({
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [],
        "architecturesOf": {},
        "capabilityOrder": "bounding",
        "syscalls": [rule("x", "includes", &json!({}))]
    });
    let paths = |found: Vec<String>| -> Vec<String> {
        found.iter().map(|line| line.split(':').next().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(wrong_docker(&policy)), ["architecturesOf", "capabilityOrder"]);
    assert_eq!(
        paths(wrong(oci_object(&policy))),
        ["archMap", "architecturesOf", "capabilityOrder", "syscalls[0].includes"]
    );
}

#[test]
fn paths_go_on_from_the_field_of_the_request() {
    let error = docker_policy(&docker(&[json!(7)]), &host("amd64", (6, 1)), &[]).unwrap_err();
    let inside = error.within("options.linux.seccomp.docker");
    assert_eq!(inside.iter().next().unwrap().field, "options.linux.seccomp.docker.syscalls[0]");
    let whole = oci_object(&json!(7)).unwrap_err().within("options.linux.seccomp.oci");
    assert_eq!(whole.iter().next().unwrap().field, "options.linux.seccomp.oci");
}

#[test]
fn the_names_of_error_numbers() {
    let filter = |frame: Value, rule: Value| {
        let mut json = docker(&[rule]);
        json["defaultAction"] = json!("SCMP_ACT_ERRNO");
        json["$schema"] = json!("https://example.com/seccomp.json");
        json["comment"] = json!("x");
        json.as_object_mut().unwrap().extend(frame.as_object().unwrap().clone());
        json
    };
    let rule = |errno: Value| {
        let mut rule = json!({"names": ["bdflush"], "action": "SCMP_ACT_ERRNO"});
        rule.as_object_mut().unwrap().extend(errno.as_object().unwrap().clone());
        rule
    };
    let both = filter(
        json!({"defaultErrnoRet": 38, "defaultErrno": "ENOSYS"}),
        rule(json!({"errnoRet": 1, "errno": "EPERM"})),
    );
    let names = filter(json!({"defaultErrno": "ENOSYS"}), rule(json!({"errno": "EPERM"})));
    for json in [both, names] {
        let policy = read(&json, Format::Docker).unwrap();
        assert_eq!(policy.frame.default_errno_ret, Some(38), "{json}");
        assert_eq!(policy.rules[0].syscall.errno_ret, Some(1), "{json}");
    }
    let contradicts = filter(
        json!({"defaultErrnoRet": 1, "defaultErrno": "ENOSYS"}),
        rule(json!({"errnoRet": 38, "errno": "EPERM"})),
    );
    let unknown = filter(json!({"defaultErrno": "E"}), rule(json!({})));
    assert_eq!(
        [wrong_docker(&contradicts), wrong_docker(&unknown)].concat(),
        [
            "defaultErrno: is 38, which contradicts defaultErrnoRet 1",
            "syscalls[0].errno: is 1, which contradicts errnoRet 38",
            "defaultErrno: unknown error E, for example EPERM",
        ]
    );
}
