//! An explanation for people: a line for each leaf, and below it the values that it replaced.

use crate::api::pb::specd as pb;
use std::io::IsTerminal;

/// The largest width of the columns of paths and origins; longer texts exceed it.
const COLUMN: usize = 48;

/// The smallest width of the column of values and, without a terminal, the largest.
const VALUE: usize = 24;

/// The width of the terminal, if standard output is one.
pub(super) fn width() -> Option<usize> {
    let out = std::io::stdout();
    if !out.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&out).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// A line: its head, a value, and the origin of the value.
pub(super) struct Line {
    pub(super) head: String,
    pub(super) value: String,
    pub(super) origin: String,
}

/// The table, grouped by the sections of the spec.
pub(super) fn render(fields: &[pb::ExplainedField], width: Option<usize>) -> String {
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
    let columns = Columns::fit(all(), width);
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

/// A field, then its previous values, the newest first.
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

/// The text of a value.
pub(super) fn value(json: &str) -> String {
    if json.is_empty() { "(none)".to_owned() } else { plain(json) }
}

/// The text of an origin.
pub(super) fn origin(origin: Option<&pb::Origin>) -> String {
    origin.map(|origin| plain(&origin.text)).unwrap_or_default()
}

/// A text in which characters that control a terminal are escaped.
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

/// The widths of the columns.
pub(super) struct Columns {
    head: usize,
    value: usize,
    shortened: bool,
}

impl Columns {
    /// Columns for all lines; values get the rest of the terminal.
    pub(super) fn fit<'a>(lines: impl Iterator<Item = &'a Line>, width: Option<usize>) -> Self {
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

    /// Formats a line.
    pub(super) fn line(&self, line: &Line) -> String {
        let Line { head, value, origin } = line;
        let (head_width, width) = (self.head, self.value);
        let value = if self.shortened { shortened(value, width) } else { value.clone() };
        format!("{head:head_width$}  {value:width$}  {origin}").trim_end().to_owned()
    }
}

/// A text, cut to a width with an ellipsis at its end.
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
    fn sections_are_blocks_and_replaced_values_follow_their_field() {
        let long = "x".repeat(80);
        let value = " ".repeat(16);
        assert_eq!(
            render(&fields(), None),
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
        let text = render(&fields(), Some(70));
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(70), "{text}");
        assert!(text.contains("x…  image"), "{text}");
    }

    #[test]
    fn characters_that_control_a_terminal_are_escaped() {
        assert_eq!(plain("a\u{1b}[2J\u{9b}\u{202e}ü\n"), "a\\u001b[2J\\u009b\\u202eü\\u000a");
    }
}
