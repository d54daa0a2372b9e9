//! What is simulated: a seed, the members, the images and what goes wrong; and the command that runs it again.

use crate::{faults::Faults, sabotage::Sabotage};

/// What is simulated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Everything follows from it.
    pub seed: u64,
    /// Workers.
    pub workers: usize,
    /// Coordinators.
    pub coordinators: usize,
    /// Jobs, almost all of an image of its own.
    pub images: usize,
    /// What goes wrong.
    pub faults: Faults,
    /// Which rule is broken.
    pub sabotage: Sabotage,
}

impl Plan {
    /// The command that runs this again.
    pub fn command(&self) -> String {
        let Self { seed, workers, coordinators, images, faults, sabotage } = self;
        let mut command = format!(
            "cargo run --release -p layergate-sim -- --seed {seed} --workers {workers} --coordinators {coordinators} \
             --images {images} --faults {}",
            faults.name
        );
        if *sabotage != Sabotage::None
            && let Some(value) = clap::ValueEnum::to_possible_value(sabotage)
        {
            command = format!("{command} --sabotage {}", value.get_name());
        }
        command
    }
}
