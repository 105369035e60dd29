//! Each check finds a source that breaks its rule, and leaves alone one that does not.

use super::checks::*;
use super::none;
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
        let file = Source::new("src/accounts/group.rs", text);
        let findings = keeps_to_the_import_table(&file, &crates());
        assert!(!findings.is_empty(), "not found: {text}");
    }
}

#[test]
fn what_the_table_allows_is_not_found() {
    for text in [
        "use crate::domain::ids::Namespace;",
        "use crate::accounts::passwd;",
        "use super::passwd::{self, Line};",
        "mod inner { pub use super::image::Line; }",
        "use std::time; fn f() { time::Duration::ZERO; }",
        "/// [`crate::image::blob`] and tokio::spawn\nfn f() { let _ = \"crate::image::blob\"; }",
        "/* crate::image /* tokio::x */ tonic::y */ fn f() { let _ = r#\"tonic::z \" \"#; }",
        "#[cfg(test)]\nmod tests { use crate::image::blob; use tokio::sync; }",
        "#[cfg(test)]\nuse crate::{image::blob};",
        "fn f(c: char) -> bool { c == '\"' || c == '\\'' || c == '\\u{7f}' }",
    ] {
        let file = Source::new("src/accounts/group.rs", text);
        assert_eq!(keeps_to_the_import_table(&file, &crates()), [], "{text}");
    }
}

#[test]
fn a_column_that_is_open_in_part_only() {
    let found = |path: &str, text: &str| {
        keeps_to_the_import_table(&Source::new(path, text), &crates()).len()
    };
    assert_eq!(found("src/rpc/status.rs", "use crate::image::blob::BlobError;"), 0);
    assert_eq!(found("src/rpc/status.rs", "use crate::image::blob::read;"), 1);
    assert_eq!(found("src/rpc/to_wire.rs", "use crate::spec::encode::Encoded;"), 0);
    assert_eq!(found("src/rpc/to_wire.rs", "use crate::spec::assemble;"), 1);
    assert_eq!(found("src/server/health.rs", "use crate::image::source::ImageSource;"), 0);
    assert_eq!(found("src/server/health.rs", "use crate::image::reader::ImageReader;"), 1);
    assert_eq!(found("src/main.rs", "fn main() { specd::app::run(); }"), 0);
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
            let file = Source::new(&format!("src/{module}/x.rs"), &format!("//! x\n\n{text}\n"));
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
    assert_eq!(lines(&leaves_the_environment_to_cli(&Source::new("src/app.rs", text))), [2]);
    assert!(leaves_the_environment_to_cli(&Source::new("src/cli.rs", text)).is_empty());
    let constant = Source::new("src/app.rs", "fn f() { std::env::consts::ARCH; }");
    assert!(leaves_the_environment_to_cli(&constant).is_empty());
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
        assert_eq!(lines(&includes_no_generated_code(&Source::new("src/rpc/x.rs", text))), [1]);
        assert!(includes_no_generated_code(&Source::new("src/pb.rs", text)).is_empty());
    }
    let data = Source::new("src/spec/profile.rs", "const P: &str = include_str!(\"p.json\");");
    assert!(includes_no_generated_code(&data).is_empty());
}

#[test]
fn an_opinion_of_oci_spec() {
    for text in [
        "use oci_spec::runtime::Spec; fn f() { Spec::default(); }",
        "fn f() { runtime::Process::default(); }",
        "fn f() { oci_spec::runtime::Linux::default(); }",
        "use oci_spec::runtime::LinuxCapabilities as Caps; fn f() { LinuxCapabilities::default(); }",
        "use oci_spec::runtime::{Spec, SpecBuilder};",
        "fn f() { oci_spec::runtime::SpecBuilder::new(); }",
        "fn f() { MountBuilder::default().build(); }",
    ] {
        let file = Source::new("src/spec/draft.rs", text);
        assert!(!takes_no_opinions_of_oci_spec(&file).is_empty(), "not found: {text}");
    }
    for text in [
        "use oci_spec::runtime::Spec; fn f(s: &Spec) { ProcessOptions::default(); }",
        "fn f() { http2::Builder::new(); }",
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
        assert!(waives_no_lint(&Source::new("src/pb.rs", text)).is_empty());
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
