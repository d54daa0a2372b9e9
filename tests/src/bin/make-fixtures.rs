//! Builds `tests/fixtures/images/*` from `tests/fixtures/recipes/*.toml`: `just fixtures`.

use std::path::Path;

use anyhow::{Context, Result};
use layergate_tests::{layout::Image, recipe::Recipe};

fn main() -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut recipes: Vec<_> =
        std::fs::read_dir(fixtures.join("recipes"))?.map(|e| Ok(e?.path())).collect::<Result<_>>()?;
    recipes.sort();
    for path in recipes {
        let name = path.file_stem().context("a recipe has a name")?;
        Image::build(&Recipe::read(&path)?)?.write_layout(&fixtures.join("images").join(name))?;
        println!("tests/fixtures/images/{}", name.to_string_lossy());
    }
    Ok(())
}
