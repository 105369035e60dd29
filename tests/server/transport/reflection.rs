//! Reflection in both versions.

use crate::transport::{Start, connect};
use specd::api::pb::health;
use specd::server::reflection;
use tonic::Code;
use tonic::service::Routes;

macro_rules! lists_services {
    ($name:ident, $version:ident) => {
        #[tokio::test]
        async fn $name() {
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;

            let sets = &[specd::api::pb::specd::DESCRIPTORS, health::DESCRIPTORS];
            let routes = reflection::add(Routes::default(), sets);
            let server = Start { routes, ..Default::default() }.run().await;
            let mut client = ServerReflectionClient::new(connect(server.address()).await.unwrap());
            let mut ask = async |what| {
                let request =
                    ServerReflectionRequest { host: String::new(), message_request: Some(what) };
                let requests = tokio_stream::iter([request]);
                let mut answers =
                    client.server_reflection_info(requests).await.unwrap().into_inner();
                answers.message().await.unwrap().unwrap().message_response.unwrap()
            };

            let MessageResponse::ListServicesResponse(list) =
                ask(MessageRequest::ListServices(String::new())).await
            else {
                panic!("not a list");
            };
            let names: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
            for name in ["grpc.health.v1.Health", specd::api::pb::specd::SERVICE] {
                assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
                let what = MessageRequest::FileContainingSymbol(name.to_owned());
                assert!(matches!(ask(what).await, MessageResponse::FileDescriptorResponse(_)));
            }
        }
    };
}

lists_services!(v1_lists_and_describes_the_services, v1);
lists_services!(v1alpha_lists_and_describes_the_services, v1alpha);

#[tokio::test]
async fn a_broken_descriptor_set_fails_the_call() {
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;

    let routes = reflection::add(Routes::default(), &[b"\xff\xff"]);
    let server = Start { routes, ..Default::default() }.run().await;
    let mut client = ServerReflectionClient::new(connect(server.address()).await.unwrap());
    let requests = tokio_stream::iter([ServerReflectionRequest::default()]);
    let status = client.server_reflection_info(requests).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(status.message().starts_with("reflection: "), "{status:?}");
}
