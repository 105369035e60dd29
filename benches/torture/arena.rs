//! Where an attack takes place: images, a server over them, and the way to it.

use crate::honest::{Notes, Target};
use crate::server::{Log, Server, Start};
use crate::support::certificates::{Authority, Issued, Secret};
use crate::support::daemon::Daemon;
use crate::support::layout::{Gzip, IMAGE, Layout, file};
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// The account files of the honest image.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000::/srv:/bin/sh\n";
const GROUP: &str = "root:x:0:\napp:x:1000:\naudio:x:29:app\nvideo:x:44:root,app\n";

/// The namespace of the honest clients. A layout has the same images in every namespace.
pub(crate) const NAMESPACE: &str = "honest";

/// What an attack prepares before the server starts.
pub(crate) struct Stage {
    pub(crate) directory: TempDir,
    pub(crate) layout: Layout,
    pub(crate) flags: Vec<String>,
    pub(crate) log: Log,
    pub(crate) descriptors: Option<u32>,
    /// Where the images come from: a real containerd instead of the layout, through a socket that is not its own.
    pub(crate) containerd: Option<Containerd>,
    /// Whether the port is for clients with a certificate.
    pub(crate) mutual_tls: bool,
    /// Whether honest clients leave the port to the attack and use the socket alone, or the other way round.
    pub(crate) honest: Honest,
    pub(crate) seconds: u64,
    /// What the attack prepared, and the answers that it may have.
    pub(crate) expected: Vec<Expected>,
}

/// A request of an attacker, and the codes that it may be answered with.
pub(crate) struct Expected {
    pub(crate) what: &'static str,
    pub(crate) codes: &'static [&'static str],
}

/// How the server reaches containerd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Containerd {
    Directly,
    /// Through a socket that the attack serves.
    Proxied,
}

/// The addresses of the honest clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Honest {
    Both,
    Port,
    Socket,
}

impl Stage {
    /// A stage with the honest image alone.
    pub(crate) fn new(seconds: u64) -> Self {
        let directory = tempfile::Builder::new().prefix("specd-torture-").tempdir().unwrap();
        let mut layout = Layout::at(&directory.path().join("layout"));
        let files = [file("etc/passwd", PASSWD), file("etc/group", GROUP)];
        let layer = layout.layer(Gzip, &files);
        let config = json!({"config": {
            "User": "app", "WorkingDir": "/srv", "Cmd": ["/bin/server"],
            "Env": ["PATH=/usr/bin:/bin", "GREETING=hello"],
        }});
        let image = layout.image(config, &[layer]);
        layout.tag(IMAGE, &image.manifest);
        Self {
            directory,
            layout,
            flags: ["--platform", "linux/amd64"].map(str::to_owned).to_vec(),
            log: Log::File,
            descriptors: None,
            containerd: None,
            mutual_tls: false,
            honest: Honest::Both,
            seconds,
            expected: Vec::new(),
        }
    }

    pub(crate) fn flag(&mut self, flags: &[&str]) {
        self.flags.extend(flags.iter().map(ToString::to_string));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Starts the server, and containerd where the stage has one.
    pub(crate) async fn open(mut self, binary: &Path, notes: Arc<Notes>) -> Result<Arena, String> {
        let daemon = match self.containerd {
            None => {
                let layout = self.layout.root().display().to_string();
                self.flag(&["--oci-layout", &layout]);
                None
            }
            Some(way) => {
                let daemon = crate::source::containerd_with(&self.layout).await?;
                let socket = match way {
                    Containerd::Directly => daemon.socket(),
                    Containerd::Proxied => self.path("proxy.sock"),
                };
                self.flag(&["--containerd", &socket.display().to_string()]);
                Some(daemon)
            }
        };
        let authority = Authority::new("torture");
        let client = authority.issue(&["client.example"]);
        let secret = {
            let (server, ca) = (authority.server(), authority.pem());
            Secret::new(&[("tls.crt", &*server.cert), ("tls.key", &server.key), ("ca.crt", &ca)])
        };
        let mut tls = Vec::new();
        if self.mutual_tls {
            for (flag, file) in
                [("--tls-cert", "tls.crt"), ("--tls-key", "tls.key"), ("--tls-client-ca", "ca.crt")]
            {
                tls.extend([flag.to_owned(), secret.text(file)]);
            }
        }
        let proxy = match (self.containerd, &daemon) {
            (Some(Containerd::Proxied), Some(daemon)) => {
                Some(crate::source::Proxy::start(&self.path("proxy.sock"), daemon.socket()))
            }
            _ => None,
        };
        let start = Start {
            binary: binary.to_owned(),
            flags: self.flags,
            log: self.log,
            descriptors: self.descriptors,
            tls,
        };
        let server = Server::start(&start, self.directory.path())?;
        Ok(Arena {
            server,
            daemon: daemon.map(Mutex::new),
            proxy,
            authority,
            client,
            secret: std::sync::Mutex::new(secret),
            mutual_tls: self.mutual_tls,
            honest: self.honest,
            expected: self.expected,
            layout: self.layout,
            seconds: self.seconds,
            notes,
            addresses: AtomicU8::new(0),
            prompt: Handle::current(),
            directory: self.directory,
        })
    }
}

/// A server under attack.
pub(crate) struct Arena {
    pub(crate) server: Server,
    pub(crate) daemon: Option<Mutex<Daemon>>,
    pub(crate) proxy: Option<crate::source::Proxy>,
    pub(crate) authority: Authority,
    pub(crate) client: Issued,
    pub(crate) secret: std::sync::Mutex<Secret>,
    mutual_tls: bool,
    honest: Honest,
    pub(crate) expected: Vec<Expected>,
    pub(crate) layout: Layout,
    pub(crate) seconds: u64,
    pub(crate) notes: Arc<Notes>,
    addresses: AtomicU8,
    /// The runtime of the honest clients, which has a CPU whenever it needs one.
    pub(crate) prompt: Handle,
    pub(crate) directory: TempDir,
}

impl Arena {
    /// When the attack that begins now ends.
    pub(crate) fn until(&self) -> Instant {
        Instant::now() + Duration::from_secs(self.seconds)
    }

    /// The port, for clients that may use it.
    pub(crate) fn port(&self) -> Target {
        if !self.mutual_tls {
            return Target::Tcp(self.server.tcp);
        }
        let config = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .identity(Identity::from_pem(&self.client.cert, &self.client.key));
        Target::Tls(self.server.tcp, Box::new(config))
    }

    pub(crate) fn socket(&self) -> Target {
        Target::Unix(self.server.unix.clone())
    }

    /// Where the honest clients connect.
    pub(crate) fn targets(&self) -> Vec<Target> {
        match self.honest {
            Honest::Both => vec![self.port(), self.socket()],
            Honest::Port => vec![self.port()],
            Honest::Socket => vec![self.socket()],
        }
    }

    /// An address of the loopback interface that is not that of the honest clients. Each of the first 32 callers of this has
    /// its own one, since an address has a share of the connections.
    fn attacker(&self) -> IpAddr {
        let number = self.addresses.fetch_add(1, Ordering::Relaxed) % 32;
        Ipv4Addr::new(127, 0, 0, 2 + number).into()
    }

    /// A connection of an attacker to the port.
    pub(crate) async fn connect(&self) -> std::io::Result<TcpStream> {
        self.connect_to(self.server.tcp).await
    }

    pub(crate) async fn connect_to(&self, address: SocketAddr) -> std::io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.attacker(), 0))?;
        let connected = tokio::time::timeout(Duration::from_secs(5), socket.connect(address));
        let stream = connected.await.map_err(std::io::Error::other)??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// A gRPC client of an attacker.
    pub(crate) fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.server.tcp)).unwrap();
        endpoint.local_address(Some(self.attacker())).connect_lazy()
    }
}
