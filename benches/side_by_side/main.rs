//! The servers that `.ci/bench` compares specd with: each answers every call with the same bytes.
//!
//!     side_by_side tonic ADDRESS FILE      stock tonic, as its documentation starts a server
//!     side_by_side specd ADDRESS FILE      the server stack of specd: its limits, log, metrics and `:authority` filter
//!
//! An address is `tcp://127.0.0.1:7000` or `unix:///run/echo.sock`. FILE holds the answer, a `GenerateResponse`.

#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a bench panics")]

use clap::Parser;
use prost::Message;
use specd::api::pb::specd::{
    ExplainRequest, ExplainResponse, GenerateProcessRequest, GenerateProcessResponse,
    GenerateRequest, GenerateResourcesRequest, GenerateResourcesResponse, GenerateResponse,
    ListProfilesRequest, ListProfilesResponse, SERVICE, SpecService, SpecServiceServer,
};
use specd::commands::{Cli, Command};
use specd::server::cores::{Cores, Runtimes};
use specd::server::direct::Direct;
use specd::server::health::Health;
use specd::server::listen::{BindOptions, Listener};
use specd::server::metrics::Metrics;
use specd::server::serve::{ServeConfig, serve};
use specd::server::shutdown::Shutdown;
use specd::telemetry::{Format, Telemetry};
use std::sync::Arc;
use tokio::net::UnixListener;
use tokio::runtime::Runtime;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// The allocator of specd, so that the servers differ in nothing else.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Answers each call with the same message.
struct Echo(GenerateResponse);

#[tonic::async_trait]
impl SpecService for Echo {
    async fn generate(
        &self,
        _: Request<GenerateRequest>,
    ) -> Result<Response<GenerateResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn generate_process(
        &self,
        _: Request<GenerateProcessRequest>,
    ) -> Result<Response<GenerateProcessResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn generate_resources(
        &self,
        _: Request<GenerateResourcesRequest>,
    ) -> Result<Response<GenerateResourcesResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn explain(
        &self,
        _: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_profiles(
        &self,
        _: Request<ListProfilesRequest>,
    ) -> Result<Response<ListProfilesResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [server, address, file] = args.as_slice() else {
        // `cargo bench` runs every bench without arguments.
        return;
    };
    let answer = GenerateResponse::decode(std::fs::read(file).unwrap().as_slice()).unwrap();
    let service = SpecServiceServer::new(Echo(answer));
    match server.as_str() {
        "tonic" => Runtime::new().unwrap().block_on(serve_tonic(service, address)),
        "specd" => {
            let runtimes = Runtimes::start().unwrap();
            let cores = runtimes.cores();
            runtimes.run(serve_specd(service, address, cores));
        }
        other => panic!("unknown server {other}"),
    }
}

async fn serve_tonic(service: SpecServiceServer<Echo>, address: &str) {
    let server = Server::builder().add_service(service);
    match address.strip_prefix("unix://") {
        Some(path) => {
            let incoming = UnixListenerStream::new(UnixListener::bind(path).unwrap());
            server.serve_with_incoming(incoming).await.unwrap();
        }
        None => server.serve(address.trim_start_matches("tcp://").parse().unwrap()).await.unwrap(),
    }
}

async fn serve_specd(service: SpecServiceServer<Echo>, address: &str, cores: Cores) {
    Telemetry { format: Format::Text, filter: "info".to_owned() }.install(None).unwrap();
    let Command::Serve(args) = Cli::parse_from(["specd", "serve"]).command else {
        panic!("not serve")
    };
    let metrics = Arc::new(Metrics::new([format!("{SERVICE}/Generate").as_str()], []));
    let config = ServeConfig { metrics, cores, ..args.limits.serve_config() };
    let listener =
        Listener::bind(&address.parse().unwrap(), &BindOptions::default()).await.unwrap();
    let (health, shutdown) = (Health::new(SERVICE), Shutdown::new());
    let service = Direct::new(service, Routes::new(health.server()));
    serve(vec![listener], service, health, config, shutdown).await.unwrap();
}
