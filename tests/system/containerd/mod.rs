//! A real containerd and a real runc, each test with a private daemon in a temporary directory.
//!
//! Two releases: the one on the `PATH`, and the one in the directory that `SPECD_CONTAINERD_2` names
//! (`containerd`, `containerd-shim-runc-v2`, `ctr`). A release that is not there, or a user that is not
//! root, means a test that says SKIPPED; with `SPECD_REQUIRE_CONTAINERD=1` it means one that fails.
//!
//! Whatever is asked of the daemon here goes through `containerd-client`, which shares no code with
//! specd's own client.

mod devices;
mod examples;
mod exec;
mod from_the_answer;
mod generate;
mod harness;
mod image;
mod image_of_specd;
mod readme;
mod recovery;
mod serve;
mod shared;
mod slow;
mod snapshots;
mod source;
mod stacks;
mod task;

/// A test that is given a fresh daemon, once for each release.
macro_rules! on_each_release {
    ($(#[doc = $doc:expr])* async fn $name:ident($daemon:ident: Daemon) $body:block) => {
        $(#[doc = $doc])*
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            use crate::support::daemon::{Daemon, Release};

            #[allow(unused_mut)]
            async fn check(mut $daemon: Daemon) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_path() {
                if let Some(daemon) = Daemon::start(Release::OnPath).await {
                    check(daemon).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn release_2() {
                if let Some(daemon) = Daemon::start(Release::Two).await {
                    check(daemon).await;
                }
            }
        }
    };
}
pub(crate) use on_each_release;
