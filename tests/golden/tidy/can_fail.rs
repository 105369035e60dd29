//! Each check finds a source that breaks its rule, and leaves alone one that does not.

use super::checks::*;
use super::none;
use super::prose::is_plain_english;
use super::rules::{LINTS, MAX_LINES, PURE};
use super::scan::{Finding, Source};
use std::collections::BTreeSet;

fn lines(findings: &[Finding]) -> Vec<usize> {
    findings.iter().map(|finding| finding.line).collect()
}

fn crates() -> BTreeSet<String> {
    dependencies(
        "[package]\nname = \"x\"\n\n[dependencies]\ntokio = \"1\"\noci-spec = \"1\"\ntime = \"1\"\ntonic = \"1\"\nserde = \"1\"\n\n[lints]\nclap = \"deny\"\n",
    )
}

#[test]
fn a_file_without_a_word_on_what_it_holds() {
    let bad = Source::new("src/domain/x.rs", "use std::fmt;\n//! late\n");
    assert_eq!(lines(&opens_with_docs(&bad)), [1]);
    let good = Source::new("src/domain/x.rs", "//! What lives here.\n");
    assert!(opens_with_docs(&good).is_empty());
}

#[test]
fn a_long_file_but_not_one_with_long_tests() {
    let code = "fn f() {}\n".repeat(MAX_LINES + 1);
    let long = Source::new("src/x.rs", &code);
    assert_eq!(is_short(&long, &[]).len(), 1);
    assert!(is_short(&long, &[("src/x.rs", "a table")]).is_empty());

    let test = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{code}}}\n");
    let tested = Source::new("src/x.rs", &test);
    assert_eq!(tested.lines_beside_tests(), 1);
    assert!(is_short(&tested, &[]).is_empty());
    assert_eq!(is_short(&tested, &[("src/x.rs", "once long")]).len(), 1);
}

#[test]
fn code_behind_the_tests_counts() {
    let text = format!("#[cfg(test)]\nmod tests {{}}\n{}", "fn f() {}\n".repeat(MAX_LINES + 1));
    assert_eq!(is_short(&Source::new("src/x.rs", &text), &[]).len(), 1);
}

#[test]
fn an_import_against_the_flow_in_each_way_to_write_it() {
    for text in [
        "use crate::image::blob;",
        "use crate::{domain::ids, image::blob};",
        "use crate::{\n    domain::{ids, env},\n    image::{blob, source::{self}},\n};",
        "use super::super::image::blob;",
        "mod inner { use super::super::super::image::blob; }",
        "fn f() { crate::image::blob::read(); }",
        "fn f<T: crate::image::Source>(_: &'static T) {}",
        "#[derive(tokio::Nothing)] struct S;",
        "use tokio::sync::Mutex;",
        "use ::tonic::Status as S;",
        "#[cfg(not(test))]\nuse tonic::Status;",
    ] {
        let file = Source::new("src/users/group.rs", text);
        let findings = keeps_to_the_import_table(&file, &crates());
        assert!(!findings.is_empty(), "not found: {text}");
    }
}

#[test]
fn what_the_table_allows_is_not_found() {
    for text in [
        "use crate::domain::ids::Namespace;",
        "use crate::users::passwd;",
        "use super::passwd::{self, Line};",
        "mod inner { pub use super::image::Line; }",
        "use std::time; fn f() { time::Duration::ZERO; }",
        "/// [`crate::image::blob`] and tokio::spawn\nfn f() { let _ = \"crate::image::blob\"; }",
        "/* crate::image /* tokio::x */ tonic::y */ fn f() { let _ = r#\"tonic::z \" \"#; }",
        "#[cfg(test)]\nmod tests { use crate::image::blob; use tokio::sync; }",
        "#[cfg(test)]\nuse crate::{image::blob};",
        "fn f(c: char) -> bool { c == '\"' || c == '\\'' || c == '\\u{7f}' }",
    ] {
        let file = Source::new("src/users/group.rs", text);
        assert_eq!(keeps_to_the_import_table(&file, &crates()), [], "{text}");
    }
}

#[test]
fn a_column_that_is_open_in_part_only() {
    let found = |path: &str, text: &str| {
        keeps_to_the_import_table(&Source::new(path, text), &crates()).len()
    };
    assert_eq!(found("src/api/status.rs", "use crate::image::blob::BlobError;"), 0);
    assert_eq!(found("src/api/status.rs", "use crate::image::blob::read;"), 1);
    assert_eq!(found("src/api/response.rs", "use crate::spec::encode::Encoded;"), 0);
    assert_eq!(found("src/api/response.rs", "use crate::spec::assemble;"), 1);
    assert_eq!(found("src/server/health.rs", "use crate::store::ImageStore;"), 0);
    assert_eq!(found("src/server/health.rs", "use crate::image::ImageReader;"), 1);
    assert_eq!(found("src/main.rs", "fn main() { specd::commands::run(); }"), 0);
}

#[test]
fn an_import_between_the_parts_of_one_module() {
    let found = |path: &str, text: &str| {
        keeps_to_the_import_table(&Source::new(path, text), &crates()).len()
    };
    for (path, text, count) in [
        ("src/image/layers/read.rs", "use crate::image::snapshot::SnapshotFiles;", 1),
        ("src/image/layers/read.rs", "use super::super::snapshot::SnapshotFiles;", 1),
        ("src/image/layers/tar/mod.rs", "fn f() { crate::image::cache::f(); }", 1),
        ("src/image/layers/read.rs", "use crate::image::layers::tar::Content;", 0),
        ("src/image/layers/read.rs", "pub(in crate::image) fn f() {}", 0),
        ("src/image/layers/read.rs", "use crate::image; fn f() { image::snapshot::f(); }", 1),
        ("src/image/layers/read.rs", "use super::super::{AccountFiles, blob};", 0),
        ("src/image/snapshot/read.rs", "use crate::image::layers::view::Node;", 0),
        ("src/image/metadata/index.rs", "use crate::image::{Descriptor, digest::Digest};", 0),
        ("src/image/metadata/index.rs", "use crate::image::{Descriptor, blob};", 1),
        ("src/image/metadata/go_json/value.rs", "use crate::domain::ids::Namespace;", 1),
        ("src/image/digest.rs", "use crate::image::platform::Platform;", 1),
        ("src/image/cache.rs", "use crate::image::{layers, snapshot};", 0),
        ("src/image/cache.rs", "use crate::store::containerd::Containerd;", 1),
        ("src/store/oci_layout.rs", "use crate::image::metadata::index;", 0),
        ("src/store/oci_layout.rs", "use crate::store::containerd::Containerd;", 1),
        ("src/store/containerd/images.rs", "use crate::image::metadata::index;", 1),
        ("src/domain/request.rs", "use crate::image::reference::ImageName;", 0),
        ("src/domain/request.rs", "use crate::image::layers;", 1),
    ] {
        assert_eq!(found(path, text), count, "{path}: {text}");
    }
}

#[test]
fn a_module_without_a_row() {
    let file = Source::new("src/attic/x.rs", "//! Here.\n");
    assert_eq!(keeps_to_the_import_table(&file, &crates()).len(), 1);
}

#[test]
fn an_impure_core() {
    for text in [
        "use std::fs;",
        "use std::{fmt, fs::File};",
        "fn f() { std::env::var(\"X\"); }",
        "use std::time::{Duration, Instant};",
        "use std::time; fn f() -> time::Instant {}",
        "fn f() { std::time::SystemTime::now(); }",
        "async fn f() {}",
        "fn f() { async move {}; }",
        "use tokio::io::AsyncRead;",
        "use prost::Message;",
        "use prost_types::Any;",
        "fn f() -> tonic::Status {}",
    ] {
        for module in PURE {
            let path = format!("src/{}/x.rs", module.replace("::", "/"));
            let file = Source::new(&path, &format!("//! x\n\n{text}\n"));
            assert_eq!(lines(&stays_pure(&file)), [3], "{text}");
        }
        assert!(stays_pure(&Source::new("src/image/x.rs", text)).is_empty());
    }
    let fine = "use std::time::Duration; use std::fmt; // async std::fs\n";
    assert!(stays_pure(&Source::new("src/spec/x.rs", fine)).is_empty());
}

#[test]
fn an_environment_that_others_read() {
    let text = "//! x\nfn f() { std::env::var_os(\"X\"); }\n";
    assert_eq!(
        lines(&leaves_the_environment_to_commands(&Source::new("src/server/mod.rs", text))),
        [2]
    );
    let commands = Source::new("src/commands/mod.rs", text);
    assert!(leaves_the_environment_to_commands(&commands).is_empty());
    let constant = Source::new("src/server/mod.rs", "fn f() { std::env::consts::ARCH; }");
    assert!(leaves_the_environment_to_commands(&constant).is_empty());
}

#[test]
fn an_option_that_is_not_assembled() {
    let options = [Source::new(
        "src/spec/options/env.rs",
        "pub fn named() {}\n\npub(crate) fn forgotten<T>() -> T {}\nfn private() {}\n\
         pub struct S { pub f: fn() }\nimpl S { pub fn method() {} }\npub const fn lost() {}\n\
         #[cfg(test)]\nmod tests { pub fn f() {} }\n",
    )];
    let assemble =
        Source::new("src/spec/assemble.rs", "//! x\nfn a() { env::named(); } // forgotten lost");
    assert_eq!(lines(&every_option_is_assembled(&assemble, &options)), [3, 7]);
}

#[test]
fn generated_code_outside_its_fence() {
    for text in [
        "tonic::include_proto!(\"x\");",
        "const D: &[u8] = tonic::include_file_descriptor_set!(\"x\");",
        "include!(concat!(env!(\"OUT_DIR\"), \"/x.rs\"));",
    ] {
        assert_eq!(lines(&includes_no_generated_code(&Source::new("src/api/x.rs", text))), [1]);
        assert!(includes_no_generated_code(&Source::new("src/api/pb.rs", text)).is_empty());
    }
    let data = Source::new("src/spec/profile.rs", "const P: &str = include_str!(\"p.json\");");
    assert!(includes_no_generated_code(&data).is_empty());
}

#[test]
fn an_opinion_of_oci_spec() {
    for text in [
        "use oci_spec::runtime::Spec; fn f() { Spec::default(); }",
        "use oci_spec::runtime::Process; fn f() { Process::default(); }",
        "fn f() { oci_spec::runtime::Linux::default(); }",
        "use oci_spec::runtime::{Spec, SpecBuilder};",
        "fn f() { oci_spec::runtime::SpecBuilder::new(); }",
    ] {
        let file = Source::new("src/spec/draft.rs", text);
        assert!(!takes_no_opinions_of_oci_spec(&file).is_empty(), "not found: {text}");
    }
    for text in [
        "use oci_spec::runtime::Spec; fn f(s: &Spec) { ProcessOptions::default(); }",
        "fn f() { http2::Builder::new(); }",
        "use crate::oci::Spec; fn f() { Spec::default(); }",
        "#[cfg(test)]\nmod tests { fn f() { Spec::default(); } }",
    ] {
        let file = Source::new("src/spec/draft.rs", text);
        assert_eq!(takes_no_opinions_of_oci_spec(&file), [], "{text}");
    }
}

#[test]
fn a_name_that_says_nothing() {
    for path in ["src/utils.rs", "src/domain/common/x.rs", "src/image/helper.rs"] {
        assert_eq!(is_named_after_what_it_holds(&Source::new(path, "//! x\n")).len(), 1, "{path}");
    }
    let inline = Source::new("src/x.rs", "//! x\nmod misc { }\n");
    assert_eq!(lines(&is_named_after_what_it_holds(&inline)), [2]);
    let fine = Source::new("src/x.rs", "//! utils\nfn common() {}\nmod commons;\n");
    assert!(is_named_after_what_it_holds(&fine).is_empty());
}

#[test]
fn a_waived_lint() {
    for text in [
        "//! x\n#[allow(dead_code)]\nfn f() {}",
        "//! x\n#![allow(clippy::panic)]\n",
        "//! x\n#[expect(clippy::unwrap_used)]\nfn f() {}",
        "//! x\n#[cfg_attr(test, allow(unused))]\nfn f() {}",
    ] {
        assert_eq!(lines(&waives_no_lint(&Source::new("src/x.rs", text))), [2], "{text}");
        assert!(waives_no_lint(&Source::new("src/api/pb.rs", text)).is_empty());
    }
    let call = Source::new("src/x.rs", "#[test]\nfn f() { x.expect(\"y\"); allow(1); }");
    assert!(waives_no_lint(&call).is_empty());
}

#[test]
fn a_lint_that_was_dropped() {
    let manifest = LINTS.join("\n");
    assert!(keeps_the_lints(&manifest).is_empty());
    assert_eq!(keeps_the_lints(&manifest.replace("panic = \"deny\"", "panic = \"warn\"")).len(), 1);
}

#[test]
fn a_file_of_tests_alone_is_known_as_such() {
    let file = Source::new("src/image/files.rs", "#[cfg(test)]\nmod tests;\nmod walk;\n");
    assert_eq!(file.test_modules(), ["src/image/files/tests.rs", "src/image/files/tests/mod.rs"]);
}

#[test]
fn a_finding_says_where() {
    let file = Source::new("src/domain/x.rs", "//! x\n\nuse tokio::sync;\n");
    let findings = keeps_to_the_import_table(&file, &crates());
    let said = findings.iter().map(ToString::to_string).collect::<String>();
    assert!(said.starts_with("src/domain/x.rs:3: `tokio::sync`"), "{said}");
}

#[test]
#[should_panic(expected = "src/x.rs:1: open the file with")]
fn a_finding_fails_the_test() {
    none(&opens_with_docs(&Source::new("src/x.rs", "")));
}

#[test]
fn what_a_type_captures_is_no_import() {
    let text = "fn f() -> impl Drop + use<> { 1; }\nuse std::fmt;\n";
    let uses = Source::new("src/domain/x.rs", text).uses();
    assert_eq!(uses.iter().map(|path| path.line).collect::<Vec<_>>(), [2]);
}

#[test]
fn a_refused_phrase() {
    for text in [
        "/// A filter that is none.\n",
        "// A list is\n// none.\n",
        "fn f() { fail(\"the list \\\n    is none\"); }",
        "/// Whose it is.\n",
        "/// A size, as `1k`.\n",
        "fn f() { fail(\"must be a list, as 0-1\"); }",
        "fn f() { fail(\"must be a file, as \\\"a\\\"\"); }",
        "/// A platform, as linux/arm64.\n",
        "/// How.\n",
    ] {
        assert_eq!(is_plain_english("src/x.rs", text).len(), 1, "{text}");
    }
    assert_eq!(is_plain_english("docs/x.md", "# Title\n\nAll but for one.\n")[0].line, 3);
}

#[test]
fn plain_english_is_not_refused() {
    for text in [
        "/// Nothing where there is none.\n",
        "/// What it is. None of these.\n",
        "fn told() -> bool { whose(he) }",
        "/// Used as a name, as before.\n",
        "/// An error that is\nfn none() {}",
    ] {
        assert_eq!(is_plain_english("src/x.rs", text), [], "{text}");
    }
    let generated = "<!-- x: written by BLESS=1 y -->\nIt is told.\n<!-- end of x -->\n";
    assert_eq!(is_plain_english("docs/x.md", generated), []);
}
