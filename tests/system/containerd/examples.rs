//! The examples in other languages, from an image to a container that ran, and the packages of `clients/`, by the commands of their
//! READMEs.
//!
//! `.ci/tools examples` builds them with the first block of commands; the second runs one, and the block of text is what it prints.
//! One that is not built means a test that says SKIPPED; with `SPECD_REQUIRE_EXAMPLES=1` it means one that fails. They run in a mount
//! namespace of their own, in which the sockets of containerd and specd have their usual paths.

use crate::clients::program::tools;
use crate::containerd::image::busybox_with;
use crate::containerd::readme::BEFORE;
use crate::support::control_group::ControlGroup;
use crate::support::cookbook::read;
use crate::support::daemon::{Daemon, Release, SNAPSHOTTER};
use crate::support::say::say;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Starts specd, runs the example in its directory, and fails if anything of it is left. The command of the example is `$RUN`.
const AROUND: &str = r#"
mkdir /run/specd tmp
export TMPDIR=$PWD/tmp
specd serve --listen unix:///run/specd/specd.sock --snapshotter "$CONTAINERD_SNAPSHOTTER" >specd.log 2>&1 &
until specd health --server unix:///run/specd/specd.sock >/dev/null 2>&1; do sleep 0.1; done

(cd "$EXAMPLE" && timeout 300 bash -ec "$RUN") || { cat specd.log >&2; tail -n 20 containerd.log >&2; exit 1; }

{
    ctr --address "$SOCKET" containers list --quiet
    ctr --address "$SOCKET" tasks list --quiet
    ctr --address "$SOCKET" snapshots list | grep -v -e ^KEY -e 'Committed *$' || true
    ls -A tmp
    for state in /run/runc /run/containerd/runc/default; do if [ -d "$state" ]; then ls -A "$state"; fi; done
} >left 2>containerd.err
[ ! -s left ] || { echo "left behind:" >&2; cat left >&2; exit 1; }
"#;

/// The blocks of a document in one language.
fn blocks(document: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    let blocks = document.split(begin.as_str()).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

/// The directory in which an example was built, or a word that the test is skipped.
fn built(name: &str, directory: &str) -> Option<PathBuf> {
    let copy = tools().join("examples").join(name);
    if copy.join(".stamp").exists() {
        return Some(copy.join(directory));
    }
    let required = std::env::var_os("SPECD_REQUIRE_EXAMPLES").is_some_and(|value| value == "1");
    assert!(!required, "{directory} is required: .ci/tools examples builds it");
    say(&format!("SKIPPED: {directory}: .ci/tools examples has not built it"));
    None
}

/// Runs an example, and compares what it prints with its README.
async fn ends_in_a_container_that_ran(name: &str, directory: &str) {
    let Some(example) = built(name, directory) else { return };
    let Some(mut daemon) = Daemon::start(Release::Two).await else { return };
    let image = busybox_with(&json!({"Cmd": ["sh"], "Env": ["PATH=/bin"]}));
    image.import(&daemon, "default", "docker.io/library/busybox:latest").await;
    daemon.stop();
    let _group = ControlGroup::hold("default");

    let readme = example.join("README.md");
    let readme = std::fs::read_to_string(&readme).unwrap();
    let [_, run] = &blocks(&readme, "sh")[..] else { panic!("{directory}: not two blocks of sh") };
    let [prints] = &blocks(&readme, "text")[..] else {
        panic!("{directory}: not one block of text")
    };
    let work = tempfile::tempdir().unwrap();
    let specd = Path::new(env!("CARGO_BIN_EXE_specd")).parent().unwrap();
    let inherited = std::env::var_os("PATH").unwrap_or_default();
    let two = std::env::var_os("SPECD_CONTAINERD_2").unwrap_or_default();
    let mut path = vec![specd.to_owned(), two.into(), tools().join("bin")];
    path.extend(std::env::split_paths(&inherited));
    path.extend(["/usr/sbin", "/sbin"].map(Into::into));
    let output = Command::new("unshare")
        .args(["--mount", "bash", "-c", &format!("{BEFORE}{AROUND}")])
        .current_dir(work.path())
        .env("PATH", std::env::join_paths(path).unwrap())
        .env("SOCKET", daemon.socket())
        .env("CONFIG", daemon.path("config.toml"))
        .env("CONTAINERD_SNAPSHOTTER", SNAPSHOTTER)
        .env("EXAMPLE", example)
        .env("RUN", run)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(&String::from_utf8_lossy(&output.stdout), prints, "{directory}: {err}");
    assert!(output.status.success(), "{directory}: {err}");
}

macro_rules! ends_in_a_container_that_ran {
    ($($name:ident in $directory:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            ends_in_a_container_that_ran(stringify!($name), $directory).await;
        }
    )*};
}

ends_in_a_container_that_ran! {
    shell in "examples/shell";
    python in "examples/python";
    go in "examples/go";
    node in "examples/node";
    java in "examples/java";
    rust in "examples/rust";
    cpp in "examples/cpp";
    python_package in "clients/python";
    node_package in "clients/node";
}

/// Commands of the documents, and Debian's packages that have them.
const PACKAGES: [(&str, &[&str]); 11] = [
    ("../proto/fetch", &["curl", "unzip"]),
    ("cmake", &["cmake", "libgrpc++-dev", "protobuf-compiler-grpc"]),
    ("cargo", &["protobuf-compiler"]),
    ("ctr", &["containerd"]),
    ("curl", &["curl"]),
    ("go", &["protobuf-compiler"]),
    ("ip", &["iproute2"]),
    ("jq", &["jq"]),
    ("npm", &["npm"]),
    ("python3", &["python3-venv"]),
    ("runc", &["runc"]),
];

#[test]
fn each_document_names_the_packages_that_its_commands_need() {
    let directories = ["shell", "python", "go", "node", "java", "rust", "cpp"];
    let examples = directories.map(|name| format!("examples/{name}/README.md"));
    let others = ["README.md", "clients/python/README.md", "clients/node/README.md"];
    for path in others.into_iter().map(str::to_owned).chain(examples) {
        let document = read(&path);
        let installed: Vec<&str> = (document.split("`apt-get install ").skip(1))
            .flat_map(|rest| rest.split('`').next().unwrap().split_whitespace())
            .collect();
        let commands = blocks(&document, "sh").concat();
        for word in commands.split_whitespace() {
            let packages = PACKAGES.iter().find(|(command, _)| *command == word);
            for package in packages.map_or(&[][..], |(_, packages)| packages) {
                assert!(
                    installed.contains(package),
                    "{path}: {word} needs {package}: {installed:?}"
                );
            }
        }
    }
}

#[test]
fn the_packages_have_the_version_and_every_file_of_the_api() {
    let version = env!("CARGO_PKG_VERSION");
    assert!(read("clients/python/pyproject.toml").contains(&format!("version = \"{version}\"")));
    assert!(read("clients/node/package.json").contains(&format!("\"version\": \"{version}\"")));
    assert!(read("clients/node/README.md").contains(&format!("specd-client-{version}.tgz")));

    let exports = read("clients/node/src/index.ts");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in std::fs::read_dir(root.join("proto/specd/v1")).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(exports.contains(&format!("/specd/v1/{name}_pb.js\"")), "index.ts lacks {name}");
    }
}
