//! Random input, for parsers and for the whole service: the golden cases and what `corpus` holds, changed in a few places.
//!
//! Whatever comes, there is an answer or an error with a reason of its own, no user becomes root by mistake, and Explain
//! answers the same bytes as Generate.

mod answers;
mod parsers;

use crate::support::golden::cases;
use crate::support::request_json;
use prost::Message;
use std::path::Path;

/// The files of a directory of the corpus.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fuzz/corpus").join(name);
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// The lines of the files of a directory of the corpus, each as an input.
fn lines(name: &str) -> Vec<Vec<u8>> {
    let files = corpus(name);
    files.iter().flat_map(|file| file.split(|byte| *byte == b'\n')).map(<[u8]>::to_vec).collect()
}

/// The files with a name of all golden cases of Generate.
fn golden(file: &str) -> Vec<Vec<u8>> {
    let cases = cases("generate").into_iter();
    let mut files: Vec<_> =
        cases.filter_map(|case| std::fs::read(case.directory.join(file)).ok()).collect();
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/_default/generate");
    files.extend(std::fs::read(default.join(file)).ok());
    files
}

/// The golden requests of Generate as they are sent.
fn encoded_requests() -> Vec<Vec<u8>> {
    let texts = golden("request.json").into_iter();
    let requests = texts.map(|text| request_json::parse(std::str::from_utf8(&text).unwrap()));
    requests.map(|request| request.encode_to_vec()).collect()
}
