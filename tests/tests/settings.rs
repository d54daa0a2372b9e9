//! What README's first command, the environment and the configuration file mean to a user.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::fs;

use layergate_tests::program::{Program, fixture, root};

/// The arguments of `cargo run` in README's first block of that kind.
fn readme_command() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().find_map(|l| l.strip_prefix("    cargo run --release -- ")).expect("README begins so");
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_first_command_of_readme_fails_the_shop() {
    let program = Program::default();
    let run = program.finish(program.command(readme_command()).current_dir(root()));
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("FAIL"), "{}", run.stdout);
    // `cargo run` without a name only works where the members that it looks at have one program.
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    let members = manifest["workspace"]["default-members"].as_array().unwrap();
    assert_eq!(members, &[toml::Value::from("crates/cli")]);
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let names = [
        "CONFIG",
        "DB",
        "POLICY",
        "FAIL_ON",
        "CACHE_DIR",
        "OFFLINE",
        "PLAIN_HTTP",
        "SERVER",
        "TIMEOUT",
        "API_TOKEN_FILE",
        "API_CA",
        "VERIFY_KEY",
        "DATA_DIR",
        "DB_FROM",
        "ONLY_FIXED",
        "REFRESH_AFTER_DAYS",
        "MAX_LAYER_BYTES",
    ];
    let program = Program::default();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let mut command = program.command(["scan", "--offline", "--db", &db, &image]);
    command.envs(names.map(|name| (format!("LAYERGATE_{name}"), "")));
    let run = program.finish(&mut command);
    assert_eq!(run.code, 1, "{}", run.stderr);
}

#[test]
fn switches_take_a_value_and_so_do_their_variables() {
    let program = Program::default();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    for (flag, variable, code) in [
        ("--only-fixed=false", "1", 1),
        ("--only-fixed=no", "yes", 1),
        ("--plain-http=0", "true", 1),
        ("--offline=1", "on", 1),
        ("--offline=perhaps", "1", 2),
        ("--offline", "perhaps", 2),
    ] {
        let mut command = program.command(["scan", flag, "--db", &db, &image]);
        let run = program.finish(command.env("LAYERGATE_PLAIN_HTTP", variable));
        assert_eq!(run.code, code, "{flag} {variable}: {}", run.stderr);
    }
}

#[test]
fn a_configuration_file_is_obeyed_by_every_command_or_refused_by_name() {
    let program = Program::default();
    let file = program.home.path().join("layergate.toml");
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let coordinator = ["coordinator", "--nats", "nats://127.0.0.1:1"];
    let worker = ["worker", "--nats", "nats://127.0.0.1:1"];
    let scan = ["scan", "--offline", "--db", &db, &image];
    for (text, command, code, said) in [
        ("policy = \"does-not-exist.toml\"", &scan[..], 2, "does-not-exist.toml"),
        ("policy = \"does-not-exist.toml\"", &coordinator, 2, "does-not-exist.toml"),
        ("vex = [\"no.json\"]", &coordinator, 2, "no.json"),
        ("db = \"no-feeds\"", &coordinator, 2, "no-feeds"),
        ("fail-on = \"sometimes\"", &coordinator, 2, "fail-on"),
        ("verify-key = \"no.pem\"", &coordinator, 2, "no.pem"),
        ("offline = true", &coordinator, 2, "`offline`"),
        ("server = [\"http://127.0.0.1:1\"]", &coordinator, 2, "`server`"),
        ("refresh-after-days = 3", &coordinator, 2, "`refresh-after-days`"),
        ("policy = \"x.toml\"", &worker, 2, "`policy`"),
        ("db = \"x\"", &worker, 2, "`db`"),
        ("offline = true", &scan, 1, "layergate.toml"),
        ("max-layer-bytes = \"10 B\"", &scan, 3, "layergate.toml"),
        ("polcy = \"x\"", &scan, 2, "`policy`"),
        ("tls-cert = \"x.pem\"", &coordinator, 2, "`tls-key`"),
        ("listen = \"127.0.0.1:1\"", &scan, 2, "`listen`"),
    ] {
        fs::write(&file, text).unwrap();
        let run = program.run(command);
        assert_eq!(run.code, code, "{text} {command:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{text} {command:?}: {}", run.stderr);
    }
}

#[test]
fn a_file_that_was_only_found_does_not_soften_what_comes_from_outside() {
    let program = Program::default();
    let home = program.home.path();
    fs::write(home.join("strict.toml"), "[findings]\nfail-on = \"high\"\n").unwrap();
    fs::write(home.join("token"), "secret").unwrap();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    let policy = home.join("strict.toml").display().to_string();
    let token = home.join("token").display().to_string();
    let judged = ["scan", "--offline", "--db", &db, "--policy", &policy, &image];
    let asked = ["scan", "--api-token-file", &token, "example.com/app:1"];
    let overridden = ["scan", "--offline", "--db", &db, "--policy", &policy, "--only-fixed=false", &image];
    for (text, command, code) in [
        ("only-fixed = true", &judged[..], 2),
        ("fail-on = \"critical\"", &judged, 2),
        ("vex = [\"mine.json\"]", &judged, 2),
        ("only-fixed = true", &overridden, 1),
        ("max-nesting = 9", &judged, 1),
        ("server = \"http://127.0.0.1:1\"", &asked, 2),
    ] {
        fs::write(home.join("layergate.toml"), text).unwrap();
        let run = program.run(command);
        assert_eq!(run.code, code, "{text} {command:?}: {}", run.stderr);
        assert!(run.stderr.contains("./layergate.toml"), "{text}: {}", run.stderr);
    }
}

/// What is read from a device has no size before it is read.
#[test]
fn inputs_without_end_are_refused() {
    let program = Program::default();
    let (db, image) = (fixture("advisories"), format!("oci:{}", fixture("images/shop")));
    for (more, code) in [
        (vec!["--policy", "/dev/zero", &image], 2),
        (vec!["--vex", "/dev/zero", &image], 2),
        (vec!["--template", "/dev/zero", &image], 2),
        (vec!["--config", "/dev/zero", &image], 2),
        (vec!["--verify-key", "/dev/zero", &image], 2),
        (vec!["sbom:/dev/zero"], 3),
        (vec!["docker-archive:/dev/zero"], 3),
        (vec!["oci-archive:/dev/zero"], 3),
    ] {
        let run = program.run([&["scan", "--offline", "--db", &db][..], &more].concat());
        assert_eq!(run.code, code, "{more:?}: {}", run.stderr);
        assert!(run.stderr.contains("/dev/zero"), "{more:?}: {}", run.stderr);
    }
}
