//! The limits of connections and of HTTP/2.

use crate::support::serve_config::serve_config;
use crate::transport::{Start, ask, check, connect, within};
use specd::server::serve::ServeConfig;
use std::time::Duration;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

#[tokio::test]
async fn one_connection_too_many_is_turned_away_until_a_place_is_free() {
    let config = ServeConfig { connections: 2, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let mut first = server.client().await;
    let second = server.client().await;
    assert_eq!(check(&mut first, "liveness").await, ServingStatus::Serving);
    let mut clone = second.clone();
    assert_eq!(check(&mut clone, "liveness").await, ServingStatus::Serving);

    // Whether the client notices while it connects or at its first call is up to it.
    let turned_away = match connect(server.address()).await {
        Err(_) => true,
        Ok(channel) => {
            let answer =
                within("an answer", HealthClient::new(channel).check(ask("liveness"))).await;
            matches!(answer, Err(status) if status.code() != Code::NotFound)
        }
    };
    assert!(turned_away);
    assert_eq!(check(&mut first, "liveness").await, ServingStatus::Serving);

    drop((second, clone));
    within("a free place", async {
        loop {
            if let Ok(channel) = connect(server.address()).await
                && HealthClient::new(channel).check(ask("liveness")).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn metadata_over_the_limit_is_refused_and_under_it_is_not() {
    let with_metadata = |bytes: usize| {
        let mut request = Request::new(ask("liveness"));
        let value = MetadataValue::try_from("a".repeat(bytes)).unwrap();
        request.metadata_mut().insert("x-large", value);
        request
    };
    for (limit, under, over) in [(16 << 10, 12 << 10, 20 << 10), (4 << 10, 3 << 10, 5 << 10)] {
        let config = ServeConfig { header_list_bytes: limit, ..serve_config() };
        let server = Start { config, ..Default::default() }.run().await;
        let mut client = server.client().await;
        within("an answer", client.check(with_metadata(under))).await.unwrap();
        within("an answer", client.check(with_metadata(over))).await.unwrap_err();
        assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
    }
    assert_eq!(serve_config().header_list_bytes, 16 << 10);
}

#[tokio::test]
async fn a_connection_takes_as_many_calls_at_a_time_as_it_may() {
    let config = ServeConfig { streams: 2, ..serve_config() };
    let server = Start { config, ..Default::default() }.run().await;
    let mut client = server.client().await;
    // The client has seen the server's settings once a call is answered.
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
    let first = client.watch(ask("")).await.unwrap();
    let _second = client.watch(ask("")).await.unwrap();
    let pause = Duration::from_millis(300);
    assert!(tokio::time::timeout(pause, client.check(ask("liveness"))).await.is_err());
    drop(first);
    assert_eq!(check(&mut client, "liveness").await, ServingStatus::Serving);
}
