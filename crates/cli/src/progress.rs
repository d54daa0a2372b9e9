//! What a person at a terminal sees while a scan runs: a bar for each layer that is read. Nothing when standard error
//! is no terminal, or with --quiet.

use std::{
    collections::HashMap,
    io::IsTerminal,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use layergate_ports::{
    observe::{Event, LayerEnd, Meter, Observer},
    values::LayerKey,
};

/// Whether progress is shown at all.
pub(crate) fn shown(quiet: bool) -> bool {
    !quiet && std::io::stderr().is_terminal()
}

/// One line for work without a known end.
pub(crate) struct Spinner(ProgressBar);

impl Spinner {
    /// Begins to turn.
    pub(crate) fn new(quiet: bool, message: String) -> Self {
        let bar = ProgressBar::new_spinner().with_message(message);
        bar.set_draw_target(if shown(quiet) { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() });
        bar.enable_steady_tick(Duration::from_millis(120));
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {prefix}") {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// How far it is.
    pub(crate) fn say(&self, how_far: &str) {
        self.0.set_prefix(how_far.to_owned());
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// A bar for each layer that is being read.
pub(crate) struct LayerBars {
    bars: MultiProgress,
    layers: Mutex<HashMap<LayerKey, (ProgressBar, Arc<Meter>)>>,
}

impl LayerBars {
    /// Bars on standard error, moved on by a thread of their own until they are dropped.
    pub(crate) fn new() -> Arc<Self> {
        let this = Arc::new(Self { bars: MultiProgress::new(), layers: Mutex::default() });
        let weak = Arc::downgrade(&this);
        std::thread::spawn(move || {
            while let Some(bars) = weak.upgrade() {
                for (bar, meter) in bars.lock().values() {
                    bar.set_position(meter.bytes());
                }
                drop(bars);
                std::thread::sleep(Duration::from_millis(100));
            }
        });
        this
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<LayerKey, (ProgressBar, Arc<Meter>)>> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for LayerBars {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::LayerStarted { task, meter, .. } => {
                let bar = self.bars.add(ProgressBar::new(task.locator.size()));
                let template = "{msg:20} {bar:30} {bytes:>10} of {total_bytes:10} {bytes_per_sec:>12}";
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_message(task.key.digest.to_string().chars().take(19).collect::<String>());
                self.lock().insert(task.key, (bar, Arc::clone(meter)));
            }
            Event::LayerFinished { key, end, .. } => {
                if let Some((bar, _)) = self.lock().remove(key) {
                    if *end == LayerEnd::Retried {
                        bar.abandon_with_message("will be tried again");
                    }
                    bar.finish_and_clear();
                }
            }
            _ => {}
        }
    }
}
