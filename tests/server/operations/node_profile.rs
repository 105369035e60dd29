//! The profile of the containerd release on the node: asked for once on a connection, and named in the answer.

use super::containerd::FakeContainerd;
use super::{Server, request, within};
use specd::api::pb::specd::{
    ExecOptions, GenerateProcessRequest, GenerateRequest, ListProfilesRequest, ProcessOptions,
    SpecServiceClient, StringList,
};
use std::time::Duration;
use tonic::{Code, Request};

fn of_node() -> Request<GenerateRequest> {
    let mut request = request();
    request.get_mut().profile = "node".to_owned();
    request
}

/// How often the server has asked for the release. A ping is the same call without a timeout.
fn count_asked(server: &Server) -> usize {
    let timeouts = server.containerd.headers("Version/Version", "grpc-timeout");
    timeouts.into_iter().flatten().count()
}

async fn start(release: &str, flags: &[&str]) -> Server {
    let containerd = FakeContainerd::new(&["PATH=/bin"], &[]);
    containerd.becomes(release);
    Server::start_with(containerd, flags).await
}

#[tokio::test]
async fn the_release_is_asked_for_once_on_a_connection() {
    let server = start("v2.3.7", &[]).await;
    server.generate(request()).await.unwrap();
    assert_eq!(count_asked(&server), 0, "no request was about the release");
    for _ in 0..5 {
        let answer = server.generate(of_node()).await.unwrap();
        assert_eq!((answer.profile.as_str(), answer.warnings.len()), ("containerd-2.3", 0));
        assert_eq!(count_asked(&server), 1);
    }
    let named = Request::new(GenerateRequest {
        profile: "containerd-2.3".to_owned(),
        ..request().into_inner()
    });
    let (named, of_node) =
        (server.generate(named).await.unwrap(), server.generate(of_node()).await.unwrap());
    assert_eq!(named, of_node);
}

#[tokio::test]
async fn another_release_on_the_next_connection_is_another_profile() {
    let server = start("v2.3.7", &[]).await;
    assert_eq!(server.generate(of_node()).await.unwrap().profile, "containerd-2.3");
    server.containerd.becomes("v2.4.0");
    let other = within("the end of the connection", async {
        loop {
            // A call that is on its way when the connection ends may fail.
            match server.generate(of_node()).await {
                Ok(answer) if answer.profile != "containerd-2.3" => return answer,
                Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    });
    let other = other.await;
    assert_eq!(other.profile, "containerd-2.4");
    assert_eq!(
        other.warnings,
        [
            "containerd on this node is v2.4.0, and the profile containerd-2.4 equals containerd 2.4.2"
        ]
    );
    server.generate(of_node()).await.unwrap();
    assert_eq!(count_asked(&server), 2);
}

#[tokio::test]
async fn a_release_that_no_profile_equals_is_refused() {
    for (release, words) in [
        ("v2.5.0", "containerd on this node is v2.5.0, and no profile equals a release of 2.5"),
        ("abc.m", "containerd on this node states the release \"abc.m\", which has no number"),
    ] {
        let server = start(release, &[]).await;
        let status = server.generate(of_node()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains(words), "{}", status.message());
    }
}

#[tokio::test]
async fn the_profile_of_the_node_can_be_the_default_and_is_listed() {
    let server = start("1.7.27-0ubuntu1", &["--default-profile", "node"]).await;
    let answer = server.generate(request()).await.unwrap();
    assert_eq!(answer.profile, "containerd-1.7");
    let mut client = SpecServiceClient::new(server.channel().await);
    let profiles =
        client.list_profiles(ListProfilesRequest {}).await.unwrap().into_inner().profiles;
    let of_node = profiles.last().unwrap();
    assert_eq!((of_node.name.as_str(), of_node.is_default), ("node", true));
    assert_eq!(profiles.iter().filter(|profile| profile.is_default).count(), 1);
    let newest = profiles.iter().find(|profile| profile.name == "containerd-2.4").unwrap();
    assert_eq!(newest.supported_until, "2027-05-16");

    let values = vec!["/bin/id".to_owned()];
    let process = ProcessOptions { command: Some(StringList { values }), ..Default::default() };
    let exec = GenerateProcessRequest {
        namespace: "functions".to_owned(),
        id: super::containerd::CONTAINER.to_owned(),
        profile: "node".to_owned(),
        options: Some(ExecOptions { process: Some(process), ..Default::default() }),
        ..Default::default()
    };
    client.generate_process(exec).await.unwrap();
}
