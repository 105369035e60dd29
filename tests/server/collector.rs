//! A collector of traces: it takes spans as the messages that they are.

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What a collector was sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Collector(Arc<Mutex<Vec<Request<ExportTraceServiceRequest>>>>);

impl Collector {
    /// Starts one on a port of its own.
    pub(crate) async fn start() -> (SocketAddr, Self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, collector) = (listener.local_addr().unwrap(), Self::default());
        let service = TraceServiceServer::new(collector.clone());
        let server = tonic::transport::Server::builder().add_service(service);
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (address, collector)
    }

    /// Every span so far.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let requests = self.0.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.get_ref().resource_spans);
        resources.flat_map(|one| &one.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
    }

    /// The attributes of the service that sent them.
    pub(crate) fn resource(&self) -> BTreeMap<String, String> {
        let requests = self.0.lock().unwrap();
        let resource = requests[0].get_ref().resource_spans[0].resource.clone();
        attributes(&resource.unwrap().attributes)
    }

    /// A header of the first request.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let requests = self.0.lock().unwrap();
        Some(requests[0].metadata().get(name)?.to_str().unwrap().to_owned())
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request);
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

/// Attributes that are texts.
pub(crate) fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |one: &KeyValue| {
        let Value::StringValue(text) = one.value.as_ref()?.value.as_ref()? else { return None };
        Some((one.key.clone(), text.clone()))
    };
    list.iter().filter_map(text).collect()
}
