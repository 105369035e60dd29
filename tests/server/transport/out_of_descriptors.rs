//! The accept loop when no file descriptor is left. The limit is the process's, which the test has to itself.

use crate::support::own_process::is_alone;
use crate::support::serve_config::serve_config;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use specd::server::health::Health;
use specd::server::listen::{BindOptions, ListenAddress, Listener};
use specd::server::serve::serve;
use specd::server::shutdown::Shutdown;
use std::fs::File;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;
use tonic::service::Routes;

fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

#[tokio::test]
async fn without_descriptors_the_loop_rests_and_then_recovers() {
    if !is_alone(module_path!(), "without_descriptors_the_loop_rests_and_then_recovers") {
        return;
    }
    let address = "tcp://127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(&address, &BindOptions::default()).await.unwrap();
    let ListenAddress::Tcp(address) = *listener.address() else { panic!("not TCP") };
    let (shutdown, health) = (Shutdown::new(), Health::new("example.v1.Example"));
    let routes = Routes::new(health.server());
    let config = serve_config();
    let metrics = std::sync::Arc::clone(&config.metrics);
    let running = tokio::spawn(serve(vec![listener], routes, health, config, shutdown.clone()));

    let client = TcpSocket::new_v4().unwrap();
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum }).unwrap();
    let mut taken: Vec<File> = vec![];
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    assert!(!taken.is_empty());

    // The kernel completes the connection; the server cannot take it.
    let mut client = client.connect(address).await.unwrap();
    let before = processor_time();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let spent = processor_time() - before;
    assert!(spent < Duration::from_millis(400), "spent {spent:?} of a second");

    drop(taken);
    let counted = metrics.text().unwrap();
    assert!(!counted.contains("specd_accept_errors_total 0"), "{counted}");
    assert!(counted.contains("specd_accept_errors_total "), "{counted}");
    let mut settings = [0; 9];
    tokio::time::timeout(Duration::from_secs(15), client.read_exact(&mut settings))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(settings[3], 4, "the first frame is not SETTINGS");

    drop(client);
    shutdown.request();
    running.await.unwrap().unwrap();
}
