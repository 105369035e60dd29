//! What a golden case is given: the image and the host of a request, or the stored container.

use crate::support::golden::Case;
use crate::support::golden_host::host;
use crate::support::request_json;
use crate::support::service::Fixture;
use crate::support::tasks::Tasks;
use serde_json::Value;
use specd::api::pb::specd as pb;
use specd::spec::encode::TYPE_URL;
use specd::store::StoredContainer;

impl Case {
    /// A file of the case, or the default of its kind. Nothing if the case says that the file is absent.
    fn file(&self, name: &str) -> Option<Vec<u8>> {
        let none = match name {
            "passwd" | "group" => "no-account-files",
            _ => "no-container",
        };
        let kind = self.directory.parent().unwrap();
        let default = kind.with_file_name("_default").join(kind.file_name().unwrap());
        let default = (!self.directory.join(none).exists()).then_some(default);
        let mut directories = [&self.directory].into_iter().chain(&default);
        directories.find_map(|directory| std::fs::read(directory.join(name)).ok())
    }

    /// The request, in protobuf's JSON.
    pub(crate) fn request(&self) -> String {
        std::fs::read_to_string(self.directory.join("request.json")).unwrap()
    }

    /// A case of `generate`: the service over the image on the host of the case, and the request.
    pub(crate) fn generate(&self) -> (Fixture, pb::GenerateRequest) {
        let config = self.file("image.json").unwrap();
        let (passwd, group) = (self.file("passwd"), self.file("group"));
        let (facts, machine) = host(&self.directory);
        let fixture = Fixture::with_facts(&config, passwd.as_deref(), group.as_deref(), facts);
        (fixture.on(machine), request_json::parse(&self.request()))
    }

    /// A case of `process` or `resources`: the service over the stored container.
    pub(crate) fn tasks(&self) -> Tasks {
        let stored = self.file("container.json").map(|spec| self.container(spec));
        let (passwd, group) = (self.file("passwd"), self.file("group"));
        Tasks::new(stored, passwd.as_deref(), group.as_deref())
    }

    /// What is stored of a container: by the names of its fields, each as if nothing were unusual.
    fn container(&self, spec: Vec<u8>) -> StoredContainer {
        let stored = self.file("stored.json").unwrap_or(b"{}".to_vec());
        let stored: Value = serde_json::from_slice(&stored).unwrap();
        let text = |name: &str, usual: &str| stored[name].as_str().unwrap_or(usual).to_owned();
        StoredContainer {
            type_url: text("type_url", TYPE_URL),
            spec,
            snapshotter: text("snapshotter", "native"),
            snapshot_key: text("snapshot_key", "root"),
        }
    }
}
