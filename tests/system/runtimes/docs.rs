//! The tables in `docs/validation.md` are the tables of rules. `BLESS=1` writes them.

use specd::spec::rules::{HOST_RULES, RULES, Rule};

#[test]
fn the_documented_rules_are_the_rules() {
    // One after the other, since both may write the file.
    compare("rules", &RULES);
    compare("rules on the host", &HOST_RULES);
}

fn compare(mark: &str, rules: &[Rule]) {
    let begin = format!("<!-- {mark}: written by BLESS=1 cargo test --test system runtimes -->\n");
    let end = format!("<!-- end of {mark} -->\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/validation.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once(&begin).unwrap();
    let (table, after) = rest.split_once(&end).unwrap();
    let mut want = "| rule | condition | source |\n|---|---|---|\n".to_owned();
    for rule in rules {
        let kind = if rule.refuses { "" } else { " (warning)" };
        want += &format!("| `{}`{kind} | {} | {} |\n", rule.name, rule.sentence, rule.source);
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, [before, &begin, &want, &end, after].concat()).unwrap();
    } else {
        assert_eq!(table, want, "BLESS=1 writes the table");
    }
}
