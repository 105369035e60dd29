//! Certificates for tests, and directories that hold them as Kubernetes lays them out.

#![allow(dead_code, reason = "each program that includes this uses some of it")]

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Somebody who signs certificates.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Issued {
    pub(crate) cert: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate with these names: addresses, DNS names, URIs.
    pub(crate) fn issue(&self, names: &[&str]) -> Issued {
        let (uris, others): (Vec<&str>, _) = names.iter().partition(|name| name.contains("://"));
        let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
        let mut params = CertificateParams::new(others).unwrap();
        params
            .subject_alt_names
            .extend(uris.into_iter().map(|uri| SanType::URI(uri.try_into().unwrap())));
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.0).unwrap();
        Issued { cert: cert.pem(), key: key.serialize_pem() }
    }

    /// A certificate for a server at the loopback.
    pub(crate) fn server(&self) -> Issued {
        self.issue(&["127.0.0.1", "localhost"])
    }
}

/// A directory as the kubelet projects a secret: files are links to links, and one rename swaps all.
pub(crate) struct Secret {
    directory: tempfile::TempDir,
    versions: u32,
}

impl Secret {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut secret = Self { directory: tempfile::tempdir().unwrap(), versions: 0 };
        secret.swap(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), secret.path(name)).unwrap();
        }
        secret
    }

    /// A server's certificate and key.
    pub(crate) fn server(issued: &Issued) -> Self {
        Self::new(&[("tls.crt", &issued.cert), ("tls.key", &issued.key)])
    }

    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
        self.versions += 1;
        let version = format!("..version-{}", self.versions);
        std::fs::create_dir(self.path(&version)).unwrap();
        for (name, text) in files {
            std::fs::write(self.path(&version).join(name), text).unwrap();
        }
        symlink(&version, self.path("..next")).unwrap();
        std::fs::rename(self.path("..next"), self.path("..data")).unwrap();
    }

    pub(crate) fn swap_server(&mut self, issued: &Issued) {
        self.swap(&[("tls.crt", &issued.cert), ("tls.key", &issued.key)]);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}
