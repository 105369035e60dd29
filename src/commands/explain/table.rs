//! An explanation as a person reads it: a line a leaf, below it what it replaced.

use crate::api::pb::specd as pb;
use std::io::IsTerminal;

/// The widest that paths and origins make their columns; what is longer sticks out.
const COLUMN: usize = 48;

/// What a value gets at least, and, where there is no terminal, at most for its column.
const VALUE: usize = 24;

/// The columns of the terminal, if standard output is one.
pub(super) fn width() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A line: what it begins with, a value, and where that is from.
pub(super) struct Line {
    pub(super) head: String,
    pub(super) value: String,
    pub(super) origin: String,
}

/// The table, grouped by the sections of the spec.
pub(super) fn of(fields: &[pb::ExplainedField], width: Option<usize>) -> String {
    let mut blocks: Vec<(&str, Vec<Line>)> = Vec::new();
    for field in fields {
        let section = field.path.split('/').nth(1).unwrap_or_default();
        if blocks.last().is_none_or(|(last, _)| *last != section) {
            blocks.push((section, Vec::new()));
        }
        let lines = blocks.last_mut().map(|(_, lines)| lines);
        lines.into_iter().for_each(|block| block.extend(lines_of(field)));
    }
    let all = || blocks.iter().flat_map(|(_, lines)| lines);
    let columns = Columns::of(all(), width);
    let mut text = Vec::new();
    for (section, lines) in &blocks {
        if !text.is_empty() {
            text.push(String::new());
        }
        text.push(plain(section));
        text.extend(lines.iter().map(|line| columns.line(line)));
    }
    text.join("\n")
}

/// A field, then what it was before, the newest first.
fn lines_of(field: &pb::ExplainedField) -> Vec<Line> {
    let head = if field.removed { "- " } else { "  " };
    let mut lines = vec![Line {
        head: format!("{head}{}", plain(&field.path)),
        value: value(&field.value),
        origin: origin(field.origin.as_ref()),
    }];
    lines.extend(field.replaced.iter().rev().map(|setting| Line {
        head: "      was".to_owned(),
        value: value(&setting.value),
        origin: origin(setting.origin.as_ref()),
    }));
    lines
}

/// A value as it is shown.
pub(super) fn value(json: &str) -> String {
    if json.is_empty() { "(none)".to_owned() } else { plain(json) }
}

/// An origin as it is shown.
pub(super) fn origin(origin: Option<&pb::Origin>) -> String {
    origin.map(|origin| plain(&origin.text)).unwrap_or_default()
}

/// A text without what a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            plain.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            plain.push(c);
        }
    }
    plain
}

/// How wide the columns are.
pub(super) struct Columns {
    head: usize,
    value: usize,
    shortened: bool,
}

impl Columns {
    /// Columns for all lines; values get what a terminal has left.
    pub(super) fn of<'a>(lines: impl Iterator<Item = &'a Line>, width: Option<usize>) -> Self {
        let length = |text: &str| text.chars().count();
        let (mut head, mut value, mut origin) = (0, 0, 0);
        for line in lines {
            head = head.max(length(&line.head).min(COLUMN));
            value = value.max(length(&line.value));
            origin = origin.max(length(&line.origin).min(COLUMN));
        }
        let most = width.map_or(VALUE, |width| width.saturating_sub(head + origin + 4).max(VALUE));
        Self { head, value: value.min(most), shortened: width.is_some() }
    }

    /// A line with its parts in their columns.
    pub(super) fn line(&self, line: &Line) -> String {
        let Line { head, value, origin } = line;
        let (head_width, width) = (self.head, self.value);
        let value = if self.shortened { shortened(value, width) } else { value.clone() };
        format!("{head:head_width$}  {value:width$}  {origin}")
    }
}

/// The first characters of a text that is too long, and a mark that it goes on.
fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Option<pb::Origin> {
        Some(pb::Origin { text: text.to_owned(), kind: None })
    }

    fn field(path: &str, value: &str, by: &str) -> pb::ExplainedField {
        pb::ExplainedField {
            path: path.to_owned(),
            value: value.to_owned(),
            origin: origin(by),
            removed: value.is_empty(),
            ..Default::default()
        }
    }

    fn fields() -> Vec<pb::ExplainedField> {
        let replaced =
            vec![pb::FieldValue { value: "\"/srv\"".to_owned(), origin: origin("image") }];
        let long = format!("\"{}\"", "x".repeat(80));
        vec![
            field("/ociVersion", "\"1.1.0\"", "profile"),
            pb::ExplainedField { replaced, ..field("/process/cwd", "\"/tmp\"", "option") },
            field("/process/args/0", &long, "image"),
            field("/mounts/1/type", "", "option"),
        ]
    }

    #[test]
    fn a_section_a_block_and_what_was_replaced_below() {
        let long = "x".repeat(80);
        let value = " ".repeat(16);
        assert_eq!(
            of(&fields(), None),
            format!(
                "ociVersion\n  /ociVersion      \"1.1.0\"{value}   profile\n\n\
                 process\n  /process/cwd     \"/tmp\"{value}    option\n      was          \"/srv\"{value}    image\n  \
                 /process/args/0  \"{long}\"  image\n\n\
                 mounts\n- /mounts/1/type   (none){value}    option"
            )
        );
    }

    #[test]
    fn a_terminal_is_never_wrapped_by_a_value() {
        let text = of(&fields(), Some(70));
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(70), "{text}");
        assert!(text.contains("x…  image"), "{text}");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_printed() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}\u{202e}ü\n"), "a\\u001b[2J\\u009b\\u202eü\\u000a");
    }
}
