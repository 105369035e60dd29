//! What a call costs containerd: one lookup of the image's name at most, and nothing else once the image and the namespace are known.

use super::{Server, request};
use std::time::Duration;
use tonic::{Code, Status};

const LOOKUP: &str = "Images/Get";
const READ: &str = "Content/Read";
const NAMESPACE: &str = "Namespaces/Get";

fn count(server: &Server, method: &str) -> usize {
    server.containerd.headers(method, "user-agent").len()
}

#[tokio::test]
async fn a_warm_call_is_one_lookup_and_no_read() {
    let server = Server::start(&[]).await;
    server.generate(request()).await.unwrap();
    let reads = count(&server, READ);
    assert_eq!((count(&server, LOOKUP), count(&server, NAMESPACE), reads), (1, 1, 2));
    for calls in 2..=10 {
        server.generate(request()).await.unwrap();
        assert_eq!((count(&server, LOOKUP), count(&server, READ)), (calls, reads));
    }
    assert_eq!(count(&server, NAMESPACE), 1);
}

#[tokio::test]
async fn the_labels_of_the_namespace_are_the_defaults_of_its_containers() {
    let server = Server::start(&["--snapshotter", "native"]).await;
    let answer = async |namespace: &str, snapshotter: &str| {
        let mut request = request();
        namespace.clone_into(&mut request.get_mut().namespace);
        snapshotter.clone_into(&mut request.get_mut().snapshotter);
        let container = server.generate(request).await?.container.unwrap();
        let (runtime, snapshot) = (container.runtime.unwrap(), container.snapshot.unwrap());
        Ok::<_, Status>((runtime.name, runtime.options.is_some(), snapshot.snapshotter))
    };
    let runc = "io.containerd.runc.v2".to_owned();
    let label = |name| format!("containerd.io/defaults/{name}");
    let (runtime, snapshotter) = (label("runtime"), label("snapshotter"));
    assert_eq!(answer("unlabelled", "").await.unwrap(), (runc.clone(), true, "native".into()));
    server.containerd.has_labels(&[(&runtime, ""), (&snapshotter, "")]);
    assert_eq!(answer("empty", "").await.unwrap(), (runc.clone(), true, "native".into()));
    let runsc = "io.containerd.runsc.v1";
    server.containerd.has_labels(&[(&runtime, runsc), (&snapshotter, "zfs")]);
    assert_eq!(answer("labelled", "").await.unwrap(), (runsc.into(), false, "zfs".into()));
    assert_eq!(answer("labelled", "own").await.unwrap(), (runsc.into(), false, "own".into()));
    assert_eq!(answer("empty", "").await.unwrap(), (runc, true, "native".into()), "remembered");
    assert_eq!(count(&server, NAMESPACE), 3);
    server.containerd.has_labels(&[(&snapshotter, "a/b")]);
    let error = answer("wrong", "").await.unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    let words = "label containerd.io/defaults/snapshotter of namespace wrong: must be letters";
    assert!(error.message().starts_with(words), "{error}");
}

/// Makes twenty calls while the lookup of an earlier one hangs, until the time of that call ends. They share the next lookup.
async fn call_while_a_lookup_hangs(server: &Server, time: Duration) {
    let before = count(server, LOOKUP);
    server.containerd.hangs(true);
    let mut short = request();
    short.set_timeout(time);
    let later = async {
        server.containerd.runs(1).await;
        let wait = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(count(server, LOOKUP) - before, 1, "a second lookup runs");
            server.containerd.hangs(false);
        };
        let calls = (0..20).map(|_| server.generate(request()));
        tokio::join!(futures_util::future::join_all(calls), wait).0
    };
    // The first lookup hangs until its only caller has no time left.
    let (first, later) = tokio::join!(server.generate(short), later);
    // The server and the client both watch the time.
    let code = first.unwrap_err().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    for answer in later {
        answer.unwrap();
    }
    assert_eq!(count(server, LOOKUP) - before, 2);
}

#[tokio::test]
async fn callers_of_a_name_that_is_being_looked_up_share_the_next_lookup() {
    let server = Server::start(&[]).await;
    call_while_a_lookup_hangs(&server, Duration::from_secs(3)).await;
}

#[tokio::test]
async fn calls_that_get_copies_wait_for_their_lookup_together() {
    let server = Server::start(&["--max-at-work", "1"]).await;
    for _ in 0..3 {
        server.generate(request()).await.unwrap();
    }
    call_while_a_lookup_hangs(&server, Duration::from_secs(1)).await;
}
