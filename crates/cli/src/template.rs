//! `--template`: the rendering under a watch. A template's steps and what it writes are bounded by the renderer; what
//! it holds meanwhile is not (thirty times `{% set x = x ~ x %}` is a string of gigabytes), so the process is looked at
//! while it runs.

use std::{path::Path, sync::mpsc, time::Duration};

use anyhow::{Context, anyhow};
use layergate_model::Report;

use crate::exit::{Failure, usage};

/// Bytes that a rendering may take, besides some for each byte of the report.
const MEMORY: u64 = 512 << 20;
/// A report in the template engine's values, bytes for each byte of its JSON.
const SPREAD: u64 = 20;
/// A doubling of a string takes longer than this.
const LOOK: Duration = Duration::from_millis(2);

/// A template that was read.
pub(crate) struct Template {
    name: String,
    text: String,
}

impl Template {
    /// Reads the file.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let text = crate::bounded::text(path).with_context(|| format!("the template {name} cannot be read"));
        text.map(|text| Self { name, text }).map_err(usage)
    }

    /// The rendered text. What goes over the bound is left to run: the process ends at once.
    pub(crate) fn render(self, reports: Vec<Report>) -> Result<String, Failure> {
        let size = layergate_report::render(layergate_report::Format::Json, &reports, &Default::default())
            .map_err(|e| Failure::from(anyhow!(e)))?
            .len() as u64;
        let Self { name, text } = self;
        let most = resident().unwrap_or_default() + MEMORY + SPREAD * size;
        let (sender, receiver) = mpsc::channel();
        let of = name.clone();
        std::thread::Builder::new().name("template".into()).spawn(move || {
            // Nobody waits any more when this fails.
            let _ = sender.send(layergate_report::render_template(&text, &of, &reports));
        })?;
        loop {
            match receiver.recv_timeout(LOOK) {
                Ok(rendered) => return rendered.map_err(usage),
                Err(mpsc::RecvTimeoutError::Timeout) if resident().is_some_and(|now| now > most) => {
                    let more = MEMORY >> 20;
                    return Err(usage(anyhow!(
                        "the template {name} takes more than {more} MiB of memory and was ended"
                    )));
                }
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    return Err(usage(anyhow!("the template {name} broke the engine that renders it")));
                }
            }
        }
    }
}

/// Bytes of memory that this process holds (proc(5), `VmRSS`); `None` where that cannot be reached.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10)
}
