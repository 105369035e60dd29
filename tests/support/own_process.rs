//! A test that has a process to itself, since what it changes or measures belongs to the whole process.

use std::process::Command;

/// The variable that names the test to the process that is started for it.
const VARIABLE: &str = "SPECD_TEST_IN_ITS_OWN_PROCESS";

/// Whether this process runs the test alone. Where it runs other tests, too, it starts one that does, and waits until
/// the test has passed there. The module is what `module_path!()` says.
pub(crate) fn is_alone(module: &str, test: &str) -> bool {
    let name = match module.split_once("::") {
        Some((_crate, module)) => format!("{module}::{test}"),
        None => test.to_owned(),
    };
    if std::env::var_os(VARIABLE).is_some_and(|alone| alone == *name) {
        return true;
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let output =
        child.args(["--exact", &name, "--nocapture"]).env(VARIABLE, &name).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(output.status.success() && text.contains("1 passed"), "{name}: {text}");
    false
}
