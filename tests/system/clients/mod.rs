//! Other languages' gRPC clients with no option set, over a unix socket.
//!
//! `.ci/tools clients` builds them from the directories beside this file. One that is not there means a
//! test that says SKIPPED; with `SPECD_REQUIRE_CLIENTS=1` it means one that fails.

mod json;
pub(crate) mod program;
mod server;

use crate::support::serve_config::serve_config;
use program::{Client, Ended};
use server::Server;
use specd::server::serve::ServeConfig;

/// How many calls each client makes.
const CALLS: &str = "1000";

/// How much metadata the calls have, in turn. The large ones drive all else out of the table that both
/// ends keep of a connection's headers.
const METADATA: &str = "0,0,8192,0,49152,0,300,24576,0,2000,0";

/// More than the default, for the metadata above.
const HEADER_LIST_BYTES: u32 = 128 << 10;

/// Lets a client call, and fails unless each call was answered.
async fn every_call_is_answered(client: Client, target: &str) {
    let Some(program) = client.program() else { return };
    let config = ServeConfig { header_list_bytes: HEADER_LIST_BYTES, ..serve_config() };
    let server = Server::start(config).await;
    let target = target.replace("SOCKET", server.socket());
    let Ended { succeeded, stdout, stderr } = program.run(&[&target, CALLS, METADATA]).await;
    assert!(succeeded, "{target}: {stderr}");
    assert_eq!(stdout, format!("{CALLS} calls answered\n"));
}

macro_rules! every_call_is_answered {
    ($($name:ident: $client:ident to $target:literal;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            every_call_is_answered(Client::$client, $target).await;
        }
    )*};
}

every_call_is_answered! {
    python: Python to "unix://SOCKET";
    python_with_a_short_target: Python to "unix:SOCKET";
    python_aio: PythonAio to "unix://SOCKET";
    java: Java to "unix://SOCKET";
    go: Go to "unix://SOCKET";
    go_passthrough: Go to "passthrough:///unix://SOCKET";
    node: Node to "unix://SOCKET";
}

/// What the filter is for: a client on gRPC's C core is refused without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_is_refused_where_the_filter_is_off() {
    let Some(program) = Client::Python.program() else { return };
    let server = Server::start(ServeConfig { mend_authority: false, ..serve_config() }).await;
    let target = format!("unix://{}", server.socket());
    let Ended { succeeded, stderr, .. } = program.run(&[&target, "1", "0"]).await;
    assert!(!succeeded);
    assert!(stderr.contains("RST_STREAM"), "{stderr}");
}
