//! What a call costs containerd: one lookup of the image's name at most, and nothing else once the image is known.

use super::{Server, request};
use std::time::Duration;
use tonic::Code;

const LOOKUP: &str = "Images/Get";
const READ: &str = "Content/Read";

fn count(server: &Server, method: &str) -> usize {
    server.containerd.headers(method, "user-agent").len()
}

#[tokio::test]
async fn a_warm_call_is_one_lookup_and_no_read() {
    let server = Server::start(&[]).await;
    server.generate(request()).await.unwrap();
    let reads = count(&server, READ);
    assert_eq!((count(&server, LOOKUP), reads), (1, 2));
    for calls in 2..=10 {
        server.generate(request()).await.unwrap();
        assert_eq!((count(&server, LOOKUP), count(&server, READ)), (calls, reads));
    }
}

#[tokio::test]
async fn callers_of_a_name_that_is_being_looked_up_share_the_next_lookup() {
    let server = Server::start(&[]).await;
    server.containerd.hangs(true);
    let mut short = request();
    short.set_timeout(Duration::from_secs(3));
    let later = async {
        server.containerd.runs(1).await;
        let wait = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert_eq!(count(&server, LOOKUP), 1, "a second lookup runs");
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
    assert_eq!(count(&server, LOOKUP), 2);
}
