//! Health as the protocol says it.

use crate::transport::{FakeSource, SERVICE, Server, Start, ask, becomes, check, connect, within};
use http::uri::PathAndQuery;
use specd::api::pb::health::{HealthListRequest, HealthListResponse, ServingStatus as OurStatus};
use specd::server::health::Probe;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tonic::{Code, Request, Response, Streaming};
use tonic_health::pb::HealthCheckResponse;
use tonic_health::pb::health_check_response::ServingStatus;

async fn next(stream: &mut Streaming<HealthCheckResponse>) -> ServingStatus {
    within("a message of a Watch", stream.message()).await.unwrap().unwrap().status()
}

#[tokio::test]
async fn everything_serves_while_the_source_answers() {
    let server = Server::start().await;
    let mut client = server.client().await;
    for name in ["", "liveness", "readiness", SERVICE] {
        becomes(&mut client, name, ServingStatus::Serving).await;
    }
}

#[tokio::test]
async fn nothing_but_the_process_serves_before_the_source_has_answered() {
    for source_state in [FakeSource::DOWN, FakeSource::HANGING] {
        let server = Start { source_state, ..Default::default() }.run().await;
        let mut client = server.client().await;
        for name in ["", "readiness", SERVICE] {
            assert_eq!(check(&mut client, name).await, ServingStatus::NotServing, "{name:?}");
        }
        assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
    }
}

#[tokio::test]
async fn readiness_follows_the_source_both_ways_and_liveness_does_not() {
    let server = Server::start().await;
    let mut client = server.client().await;
    becomes(&mut client, "readiness", ServingStatus::Serving).await;
    for away in [FakeSource::DOWN, FakeSource::HANGING] {
        server.source.is(away);
        for name in ["readiness", "", SERVICE] {
            becomes(&mut client, name, ServingStatus::NotServing).await;
        }
        assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
        server.source.is(FakeSource::UP);
        for name in ["readiness", "", SERVICE] {
            becomes(&mut client, name, ServingStatus::Serving).await;
        }
    }
}

#[tokio::test]
async fn readiness_follows_the_source_within_two_seconds_both_ways() {
    let probe = Probe::default();
    // The longest that a change can stay unseen: it comes right after an answer, and the next question
    // is not answered at all.
    assert!(probe.every + probe.timeout <= Duration::from_secs(2));

    let server = Start { probe, ..Default::default() }.run().await;
    let mut client = server.client().await;
    let mut watch = client.watch(ask("readiness")).await.unwrap().into_inner();
    if next(&mut watch).await == ServingStatus::NotServing {
        assert_eq!(next(&mut watch).await, ServingStatus::Serving);
    }
    for (state, status) in [
        (FakeSource::DOWN, ServingStatus::NotServing),
        (FakeSource::UP, ServingStatus::Serving),
        (FakeSource::HANGING, ServingStatus::NotServing),
        (FakeSource::UP, ServingStatus::Serving),
    ] {
        let changed = Instant::now();
        server.source.is(state);
        assert_eq!(next(&mut watch).await, status);
        // As much again, for a machine that is busy with other things.
        assert!(changed.elapsed() < Duration::from_secs(4), "{status:?} {:?}", changed.elapsed());
    }
}

#[tokio::test]
async fn list_names_every_service_and_its_state() {
    let server = Server::start().await;
    // tonic-health's client has no List.
    let mut client = tonic::client::Grpc::new(connect(server.address()).await.unwrap());
    let mut listed = async || {
        client.ready().await.unwrap();
        let codec = tonic_prost::ProstCodec::default();
        let path = PathAndQuery::from_static("/grpc.health.v1.Health/List");
        let request = Request::new(HealthListRequest {});
        let answer: Response<HealthListResponse> =
            within("a list", client.unary(request, path, codec)).await.unwrap();
        let statuses = answer.into_inner().statuses.into_iter();
        statuses.map(|(name, answer)| (name, answer.status())).collect::<BTreeMap<_, _>>()
    };
    let all = |others: OurStatus, liveness: OurStatus| {
        [("", others), ("liveness", liveness), ("readiness", others), (SERVICE, others)]
            .map(|(name, status)| (name.to_owned(), status))
            .into_iter()
            .collect::<BTreeMap<_, _>>()
    };
    let mut checking = server.client().await;
    becomes(&mut checking, "", ServingStatus::Serving).await;
    assert_eq!(listed().await, all(OurStatus::Serving, OurStatus::Serving));
    server.source.is(FakeSource::DOWN);
    becomes(&mut checking, "", ServingStatus::NotServing).await;
    assert_eq!(listed().await, all(OurStatus::NotServing, OurStatus::Serving));
}

#[tokio::test]
async fn a_check_of_an_unknown_service_is_not_found() {
    let server = Server::start().await;
    let error = server.client().await.check(ask("no.such.Service")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.message().contains(SERVICE), "{}", error.message());
}

#[tokio::test]
async fn a_watch_tells_each_change_once() {
    let server = Server::start().await;
    let mut client = server.client().await;
    becomes(&mut client, SERVICE, ServingStatus::Serving).await;
    let mut watch = client.watch(ask(SERVICE)).await.unwrap().into_inner();
    for _ in 0..2 {
        assert_eq!(next(&mut watch).await, ServingStatus::Serving);
        server.source.is(FakeSource::DOWN);
        assert_eq!(next(&mut watch).await, ServingStatus::NotServing);
        server.source.is(FakeSource::UP);
    }
    assert_eq!(next(&mut watch).await, ServingStatus::Serving);
}

#[tokio::test]
async fn a_watch_of_an_unknown_service_says_so_and_goes_on() {
    let server = Server::start().await;
    let mut client = server.client().await;
    becomes(&mut client, SERVICE, ServingStatus::Serving).await;
    let mut watch = client.watch(ask("no.such.Service")).await.unwrap().into_inner();
    assert_eq!(next(&mut watch).await, ServingStatus::ServiceUnknown);

    // A change of another service neither ends the watch nor sends a message.
    server.source.is(FakeSource::DOWN);
    becomes(&mut client, SERVICE, ServingStatus::NotServing).await;
    let more = tokio::time::timeout(Duration::from_millis(200), watch.message()).await;
    assert!(more.is_err(), "{more:?}");

    server.shutdown.request();
    assert!(within("the end", watch.message()).await.unwrap().is_none());
}

#[tokio::test]
async fn the_end_is_sent_to_every_watch() {
    let server = Server::start().await;
    let mut client = server.client().await;
    becomes(&mut client, SERVICE, ServingStatus::Serving).await;
    let mut watches = vec![];
    for name in ["", "liveness", "readiness", SERVICE] {
        let mut watch = client.watch(ask(name)).await.unwrap().into_inner();
        assert_eq!(next(&mut watch).await, ServingStatus::Serving, "{name:?}");
        watches.push(watch);
    }
    server.shutdown.request();
    for mut watch in watches {
        assert_eq!(next(&mut watch).await, ServingStatus::NotServing);
        assert!(within("the end", watch.message()).await.unwrap().is_none());
    }
    server.ended().await.unwrap();
}
