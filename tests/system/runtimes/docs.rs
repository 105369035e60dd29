//! The table in `docs/validation.md` is the table of rules. `BLESS=1` writes it.

use specd::spec::rules::RULES;

const BEGIN: &str = "<!-- rules: written by BLESS=1 cargo test --test system runtimes -->\n";
const END: &str = "<!-- end of rules -->\n";

#[test]
fn the_documented_rules_are_the_rules() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/validation.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let mut want = "| rule | condition | source |\n|---|---|---|\n".to_owned();
    for rule in &RULES {
        let kind = if rule.refuses { "" } else { " (warning)" };
        want += &format!("| `{}`{kind} | {} | {} |\n", rule.name, rule.sentence, rule.source);
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, [before, BEGIN, &want, END, after].concat()).unwrap();
    } else {
        assert_eq!(table, want, "BLESS=1 writes the table");
    }
}
