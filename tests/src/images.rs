//! Many images over few layers, as an organization has them: a base that all share, and a choice of applications.

use serde_json::json;

use crate::{
    chance::Chance,
    layout::Image,
    recipe::{LayerRecipe, Recipe},
};

/// The layers: the first is the base, a Debian with an openssl that has a fixed vulnerability in the fixtures'
/// advisories.
#[derive(Clone, Debug)]
pub struct Estate {
    layers: Vec<LayerRecipe>,
}

impl Estate {
    /// `layers` different ones, each with some packages and `ballast` bytes that cannot be compressed.
    pub fn new(layers: usize, ballast: usize) -> Self {
        let mut chance = Chance::new(layers as u64);
        let base = LayerRecipe {
            created_by: "base".into(),
            files: [
                ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n"),
                (
                    "var/lib/dpkg/status",
                    "Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n",
                ),
            ]
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .into(),
            ..LayerRecipe::default()
        };
        let application = |n: usize, chance: &mut Chance| LayerRecipe {
            created_by: format!("application {n}"),
            files: (0..8)
                .map(|m| {
                    // Every fifth layer has a lodash with a known, fixed vulnerability.
                    let (name, version) = if n % 5 == 1 && m == 0 {
                        ("lodash".into(), "4.17.20".into())
                    } else {
                        (format!("m{m}"), format!("{n}.0.{m}"))
                    };
                    let text = json!({"name": name, "version": version}).to_string();
                    (format!("app{n}/node_modules/{name}/package.json"), text)
                })
                .collect(),
            blobs: [(format!("app{n}/ballast"), chance.bytes(ballast))].into(),
            ..LayerRecipe::default()
        };
        let applications = (1..layers).map(|n| application(n, &mut chance));
        Self { layers: std::iter::once(base).chain(applications).collect() }
    }

    /// `count` different images of the base and up to three applications. Together they need every layer, and the
    /// layers come one after the other: a later image brings a layer that no earlier one had.
    pub fn images(&self, count: usize, chance: &mut Chance) -> Vec<Image> {
        let applications = self.layers.len() - 1;
        (0..count)
            .map(|n| {
                let newest = n * applications / count;
                let mut chosen = vec![newest];
                chosen.extend(chance.sample(newest + 1, 2).into_iter().filter(|&c| c != newest));
                let layer = std::iter::once(0).chain(chosen.iter().map(|c| c + 1)).map(|l| self.layers[l].clone());
                let config = [("User".to_owned(), json!(format!("user{n}")))].into_iter().collect();
                let recipe = Recipe { platform: "linux/amd64".into(), config, layer: layer.collect() };
                Image::build(&recipe).expect("a recipe of ours")
            })
            .collect()
    }
}
