//! The options of the protos, by which stubs of every language get their packages.

use prost::Message;
use prost_types::FileDescriptorSet;
use specd::api::pb::specd::DESCRIPTORS;

#[test]
fn every_file_names_its_package_in_each_language() {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let ours = set.file.iter().filter(|file| file.package() == "specd.v1");
    let mut count = 0;
    for file in ours {
        let options = file.options.as_ref().unwrap();
        assert_eq!(options.go_package(), "specd/v1;specdv1", "{}", file.name());
        assert_eq!(options.java_package(), "specd.v1", "{}", file.name());
        assert!(options.java_multiple_files(), "{}", file.name());
        assert_eq!(options.csharp_namespace(), "Specd.V1", "{}", file.name());
        assert_eq!(options.ruby_package(), "Specd::V1", "{}", file.name());
        assert_eq!(options.php_namespace(), "Specd\\V1", "{}", file.name());
        count += 1;
    }
    assert!(count > 20, "{count} files");
}

#[test]
fn buf_generates_each_language() {
    let generate = include_str!("../../buf.gen.yaml");
    for language in ["go", "python", "java", "csharp", "ruby", "php"] {
        for part in ["protocolbuffers", "grpc"] {
            let plugin = format!("buf.build/{part}/{language}, out: gen/{language}");
            assert!(generate.contains(&plugin), "{plugin}");
        }
    }
}
