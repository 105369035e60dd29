//! The words that prose may not contain: documentation, comments, messages, chart texts.
//!
//! Of Rust files it reads comments and string literals, of other files the whole text. A line break does not hide a phrase.

use super::lex::blank_comments_and_strings;
use super::scan::Finding;

/// Refused phrases, in words and marks with spaces between them, with what to write instead. `0` stands for a number, `*` for any word.
pub(crate) const REFUSED: &[(&str, &str)] = &[
    ("is none", "say that it is invalid, or that there is no such thing"),
    ("are none", "say that they are invalid, or that there are no such things"),
    ("told", "say reported, warned, recorded, passed or propagated"),
    ("untold", "say not listed or not reported"),
    ("whose", "name the owner: \"the directory of\", \"with the name\""),
    ("be it", "say whether, or including"),
    ("but for", "say except"),
    ("whoever", "say anyone who, or name the caller"),
    ("come again", "say retry"),
    ("comes again", "say retries"),
    ("that is there", "say that exists, or leave it out"),
    ("that are there", "say that exist, or leave it out"),
    (", as \"", "say for example"),
    (", as `", "say for example"),
    (", as 0", "say for example"),
    (", as * /", "say for example"),
    (", as * =", "say for example"),
    ("what .", "describe it, or leave the comment out"),
    ("how .", "describe it, or leave the comment out"),
    ("he", "a process is it"),
    ("his", "a process is it"),
    ("him", "a process is it"),
];

/// Files and directories that still contain refused phrases. Remove an entry when it is clean.
pub(crate) const UNCLEAN: &[&str] = &[];

/// A word in lower case, a number as `0`, or a mark.
struct Piece {
    line: usize,
    text: String,
}

/// Every refused phrase in a file.
pub(crate) fn is_plain_english(path: &str, text: &str) -> Vec<Finding> {
    let prose = if path.ends_with(".rs") { comments_and_strings(text) } else { text.to_owned() };
    let pieces = pieces(&without_generated_parts(&prose));
    let mut findings = Vec::new();
    for (phrase, advice) in REFUSED {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        for (at, found) in pieces.windows(wanted.len()).enumerate() {
            // "There is none" is plain.
            if wanted.last() == Some(&"none") && at > 0 && pieces[at - 1].text == "there" {
                continue;
            }
            let is_wanted =
                |(piece, wanted): (&Piece, &&str)| *wanted == "*" || piece.text == **wanted;
            if found.iter().zip(&wanted).all(is_wanted) {
                let what = format!("\"{phrase}\": {advice}");
                findings.push(Finding { path: path.into(), line: found[0].line, what });
            }
        }
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// The comments and literals of Rust, each where it was, with a mark for the code between them.
fn comments_and_strings(text: &str) -> String {
    let code = blank_comments_and_strings(text);
    let pairs = text.chars().zip(code.chars());
    pairs.map(|(found, code)| if code.is_whitespace() { found } else { ';' }).collect()
}

/// The text with blank lines instead of tables that a test writes: their source is checked where it is.
fn without_generated_parts(text: &str) -> String {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in text.lines() {
        inside |= line.starts_with("<!-- ") && line.contains(": written by BLESS=1");
        lines.push(if inside { "" } else { line });
        inside &= !line.starts_with("<!-- end of ");
    }
    lines.join("\n")
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // What starts a comment, and what continues a literal, is not part of the sentence.
        let line = line.trim_start().trim_start_matches(['/', '!', '#']).trim_end_matches('\\');
        let mut push = |text: String| pieces.push(Piece { line: number + 1, text });
        if line.trim().is_empty() {
            push(String::new());
        }
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '\'';
            let end = match first {
                c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
                c => c.len_utf8(),
            };
            let (word, after) = rest.split_at(end);
            match first {
                '\\' => {}
                c if c.is_ascii_digit() => push("0".to_owned()),
                _ => push(word.to_lowercase()),
            }
            rest = after.trim_start();
        }
    }
    pieces
}
