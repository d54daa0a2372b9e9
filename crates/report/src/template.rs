//! `--template FILE`: the report through a Jinja template of the user's (minijinja). The template sees exactly what
//! `-o json` writes: the report's fields, or `reports` when there are several. It can read nothing else: no file, no
//! environment, no include; and it ends by a budget of instructions, and by one of bytes that it writes. What it holds in
//! memory meanwhile (a string that is doubled) nothing here can see: whoever runs it watches the process.

use std::error::Error as _;

use layergate_model::Report;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig, value::Serde};

use crate::{RenderError, json, text};

/// Instructions of one rendering: some seconds of work, far beyond any sensible page.
const FUEL: u64 = 50_000_000;

/// Bytes of one rendering: a page on an image with ten thousand findings has some.
const MAX_OUTPUT: usize = 128 << 20;

/// A writer that ends at [`MAX_OUTPUT`].
struct Bounded(Vec<u8>);

impl std::io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(std::io::Error::other(format!("the template writes more than {MAX_OUTPUT} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Renders the reports. `name` is the template's file name: with `.html` or `.xml` in it values are escaped, otherwise
/// the template says so itself with the filters `e`, `clean` (makes control characters visible) or `md` (Markdown).
pub fn render_template(source: &str, name: &str, reports: &[Report]) -> Result<String, RenderError> {
    let error = |e: minijinja::Error| RenderError::Template {
        name: name.to_owned(),
        line: e.line().unwrap_or_default(),
        detail: e.source().map_or_else(|| e.to_string(), |cause| format!("{e}: {cause}")),
    };
    let mut env = Environment::new();
    let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
    env.set_syntax(syntax.map_err(&error)?);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    let markup = [".html", ".htm", ".xml"].iter().any(|e| name.contains(e));
    env.set_auto_escape_callback(move |_| if markup { AutoEscape::Html } else { AutoEscape::None });
    env.add_filter("clean", |s: String| text::clean(&s).into_owned());
    env.add_filter("md", |s: String| text::markdown(&s));
    let whole = match reports {
        [one] => serde_json::to_value(one)?,
        all => serde_json::to_value(json::reports(all))?,
    };
    env.add_template(name, source).map_err(&error)?;
    let mut out = Bounded(Vec::new());
    env.get_template(name).and_then(|t| t.render_captured_to(Serde(whole), &mut out)).map_err(error)?;
    // The engine writes text.
    String::from_utf8(out.0).map_err(|e| RenderError::Template {
        name: name.to_owned(),
        line: 0,
        detail: e.to_string(),
    })
}
