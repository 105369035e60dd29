//! Compressed requests and answers: their limits are those of what they hold.

use crate::operations::{Server, request, within};
use specd::api::pb::specd::{ProcessOptions, SpecOptions, SpecServiceClient};
use tonic::Code;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::transport::Channel;
use tonic_types::StatusExt;

/// A client that compresses its requests.
async fn compressing(server: &Server) -> SpecServiceClient<Channel> {
    SpecServiceClient::new(server.channel().await).send_compressed(Gzip).accept_compressed(Gzip)
}

fn with_env(env: Vec<String>) -> tonic::Request<specd::api::pb::specd::GenerateRequest> {
    let mut request = request();
    let process = Some(ProcessOptions { env, ..Default::default() });
    request.get_mut().options = Some(SpecOptions { process, ..Default::default() }.into());
    request
}

#[tokio::test]
async fn an_answer_is_compressed_for_a_client_that_compresses() {
    let server = Server::start(&[]).await;
    let plain = server.generate(request()).await.unwrap();
    let mut client = compressing(&server).await;
    let answer = within("an answer", client.generate(request())).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner(), plain);

    // Most clients accept compressed answers without a wish for them.
    let mut client = SpecServiceClient::new(server.channel().await).accept_compressed(Gzip);
    let answer = within("an answer", client.generate(request())).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding"), None);
}

#[tokio::test]
async fn a_request_is_bounded_by_its_size_when_it_is_decompressed() {
    let server = Server::start(&[]).await;
    let mut client = compressing(&server).await;
    let large = |bytes: usize| with_env(vec![format!("A={}", "x".repeat(bytes / 10)); 10]);
    within("an answer", client.generate(large(1_000_000))).await.unwrap();
    // A few thousand bytes on the wire.
    for bytes in [1_050_000, 60_000_000] {
        let status = within("a refusal", client.generate(large(bytes))).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.metadata["limit"].as_str()),
            ("LIMIT_EXCEEDED", "1048576")
        );
    }
}

#[tokio::test]
async fn bounds_are_checked_on_what_a_compressed_request_holds() {
    let server = Server::start(&[]).await;
    let mut client = compressing(&server).await;
    let many = with_env(vec!["A=1".to_owned(); 9000]);
    let status = within("a refusal", client.generate(many)).await.unwrap_err();
    let wrong = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(wrong[0].field, "options.process.env");
    assert_eq!(wrong[0].description, "must have at most 8192 elements");
}
