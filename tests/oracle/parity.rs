//! `docs/parity.md` lists the differences that are meant, each with its reason.
//!
//! `BLESS=1` writes the table anew.

use crate::deliberate::LIST;
use std::path::Path;

/// What stands above the table.
const HEAD: &str = "| difference | why | releases |\n|---|---|---|\n";

#[test]
fn the_document_lists_every_difference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parity.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, table) = document.split_once(HEAD).unwrap();
    let wanted: String = LIST
        .iter()
        .map(|known| {
            let releases =
                if known.only.is_empty() { "all".to_owned() } else { known.only.join(", ") };
            format!("| {} | {} | {releases} |\n", known.name, known.reason)
        })
        .collect();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, format!("{before}{HEAD}{wanted}")).unwrap();
    } else {
        assert_eq!(
            table, wanted,
            "BLESS=1 cargo test --test oracle parity writes docs/parity.md anew"
        );
    }
}
