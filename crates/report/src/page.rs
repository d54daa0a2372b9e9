//! A page of text of a given width, for people: lines, wrapped texts, hanging indents and, where asked for, colours.

use crate::{
    RenderOptions,
    text::{clean, width, wrap},
};

/// What a piece of text is coloured as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Plain,
    Strong,
    Faint,
    Bad,
    Worst,
    Warn,
    Good,
}

/// The page being written. Everything that comes in is cleaned here, so that no caller can forget it.
pub(crate) struct Page {
    out: String,
    width: usize,
    color: bool,
    links: bool,
}

impl Page {
    /// An empty page of so many cells, within what a person can read.
    pub(crate) fn new(options: &RenderOptions) -> Self {
        let RenderOptions { width, color, links, .. } = *options;
        Self { out: String::new(), width: width.clamp(60, 240), color, links }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn finish(self) -> String {
        self.out
    }

    pub(crate) fn put(&mut self, text: &str, ink: Ink) {
        let code = match ink {
            _ if !self.color => "",
            Ink::Plain => "",
            Ink::Strong => "1",
            Ink::Faint => "2",
            Ink::Bad => "31",
            Ink::Worst => "1;31",
            Ink::Warn => "33",
            Ink::Good => "32",
        };
        let text = clean(text);
        if code.is_empty() || text.trim().is_empty() {
            self.out.push_str(&text);
        } else {
            self.out.push_str(&format!("\x1b[{code}m{text}\x1b[0m"));
        }
    }

    /// As [`Page::put`], leading to an address where the terminal can (OSC 8). The address is one of ours: made of an id
    /// of known shape.
    pub(crate) fn link(&mut self, text: &str, ink: Ink, url: Option<&str>) {
        match url.filter(|u| self.links && u.bytes().all(|b| b.is_ascii_graphic())) {
            Some(url) => {
                self.out.push_str(&format!("\x1b]8;;{url}\x1b\\"));
                self.put(text, ink);
                self.out.push_str("\x1b]8;;\x1b\\");
            }
            None => self.put(text, ink),
        }
    }

    pub(crate) fn end(&mut self) {
        self.out.truncate(self.out.trim_end_matches(' ').len());
        self.out.push('\n');
    }

    pub(crate) fn blank(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    pub(crate) fn line(&mut self, indent: &str, text: &str, ink: Ink) {
        self.out.push_str(indent);
        self.put(text, ink);
        self.end();
    }

    pub(crate) fn heading(&mut self, text: &str) {
        self.blank();
        let text = text.to_uppercase();
        self.line("", &text, Ink::Strong);
    }

    /// Wrapped text, every line behind the same indentation.
    pub(crate) fn text(&mut self, indent: &str, text: &str, ink: Ink) {
        for line in wrap(&clean(text), self.width.saturating_sub(width(indent))) {
            self.line(indent, &line, ink);
        }
    }

    /// Wrapped text behind a head; the lines after the first are indented as far.
    pub(crate) fn hang(&mut self, head: &str, text: &str, ink: Ink) {
        let indent = width(head);
        for (i, line) in wrap(&clean(text), self.width.saturating_sub(indent)).iter().enumerate() {
            let start = if i == 0 { head.to_owned() } else { " ".repeat(indent) };
            self.line(&start, line, ink);
        }
    }

    /// As [`Page::hang`], with the head coloured instead of the text.
    pub(crate) fn hang_inked(&mut self, head: &str, ink: Ink, text: &str) {
        let indent = width(head);
        for (i, line) in wrap(&clean(text), self.width.saturating_sub(indent)).iter().enumerate() {
            if i == 0 {
                self.put(head, ink);
            } else {
                self.out.push_str(&" ".repeat(indent));
            }
            self.put(line, Ink::Plain);
            self.end();
        }
    }
}
