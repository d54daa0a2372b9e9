//! What README and `deploy/ci` show people to type, typed word for word in a shell, with what is on this machine in the
//! places of what is not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use layergate_tests::{
    fleet::Fleet,
    layout::Image,
    program::{Program, Run, binary, fixture, root},
    recipe::Recipe,
};

/// The lines of a file that hold `word`, without their comments.
fn lines(file: &str, word: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join(file)).unwrap();
    let reported = text.lines().map(str::trim).filter(|l| l.starts_with("layergate ") && l.contains(word));
    reported.map(|l| l.split("  #").next().unwrap().trim().to_owned()).collect()
}

/// Runs a line in a shell that finds our binary and the fixtures' advisories.
fn shell(program: &Program, line: &str, environment: &[(&str, String)]) -> Run {
    let mut command = Command::new("sh");
    let path = format!("{}:{}", binary().parent().unwrap().display(), std::env::var("PATH").unwrap());
    command.env_clear().env("HOME", program.home.path()).env("PATH", path).stdin(Stdio::null());
    command.env("LAYERGATE_DB", fixture("advisories")).env("LAYERGATE_OFFLINE", "1");
    command.envs(environment.iter().map(|(k, v)| (k, v))).current_dir(program.home.path()).args(["-euc", line]);
    program.finish(&mut command)
}

fn shop() -> String {
    format!("oci:{}", fixture("images/shop"))
}

#[test]
fn readmes_line_for_ci_stops_the_job_and_leaves_its_documents() {
    let typed = lines("README.md", "\"$IMAGE\"");
    assert_eq!(typed.len(), 1, "{typed:?}");
    let program = Program::default();
    let run = shell(&program, &typed[0], &[("IMAGE", shop())]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert!(run.stdout.contains("FAIL"), "{}", run.stdout);
    assert!(fs::read_to_string(program.home.path().join("layergate.xml")).unwrap().contains("<failure"));
}

#[test]
fn readmes_scans_of_registries_and_files() {
    let image = Image::build(&Recipe::read(fixture("recipes/shop.toml").as_ref()).unwrap()).unwrap();
    let program = Program::default();
    let home = program.home.path();
    let typed = lines("README.md", "report.sarif");
    assert_eq!(typed.len(), 1, "{typed:?}");
    if let Some(registry) = layergate_tests::servers::Server::registry(None) {
        registry.push("team/app", "1.4", &image, None);
        let line = typed[0].replace("registry.example.com", &registry.host());
        let run = shell(&program, &line, &[]);
        assert_eq!(run.code, 1, "{line}: {}", run.stderr);
        assert!(fs::read_to_string(home.join("report.sarif")).unwrap().contains("CVE-2023-4863"));
    }
    // Every form that the comment beside the last line names.
    image.write_layout(&home.join("DIR")).unwrap();
    fs::create_dir_all(home.join("ROOTFS/etc")).unwrap();
    fs::create_dir_all(home.join("ROOTFS/var/lib/dpkg")).unwrap();
    fs::write(home.join("ROOTFS/etc/os-release"), "ID=debian\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n").unwrap();
    let status =
        "Package: libssl3\nStatus: install ok installed\nSource: openssl\nArchitecture: amd64\nVersion: 3.0.9-1\n\n";
    fs::write(home.join("ROOTFS/var/lib/dpkg/status"), status).unwrap();
    let made = shell(&program, "tar -C DIR -cf app.tar . && layergate sbom oci:DIR > FILE", &[]);
    assert!([0, 3].contains(&made.code) && Path::new(&home.join("FILE")).exists(), "{}", made.stderr);
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    for form in ["oci-archive:", "oci:DIR", "dir:ROOTFS", "sbom:FILE", "./app.tar"] {
        assert!(text.contains(form), "README does not name {form}");
        let form = if form == "oci-archive:" { "oci-archive:app.tar" } else { form };
        let run = shell(&program, &format!("layergate scan {form}"), &[]);
        assert_eq!(run.code, 1, "{form}: {} {}", run.stdout, run.stderr);
    }
}

/// docs/advisories.md: a snapshot is built, signed and judged by; docs/policy.md: reports are judged again.
#[test]
fn the_pages_on_advisories_and_policies() {
    let program = Program::default();
    let home = program.home.path();
    let run = shell(
        &program,
        "openssl genpkey -algorithm ed25519 -out key.pem && openssl pkey -in key.pem -pubout -out key.pub",
        &[],
    );
    assert_eq!(run.code, 0, "{}", run.stderr);
    let feeds = fixture("advisories");
    let typed = lines("docs/advisories.md", "db build");
    assert_eq!(typed.len(), 2, "{typed:?}");
    for line in typed {
        let run = shell(&program, &line.replace("DIR", &feeds), &[]);
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
    }
    assert!(home.join("FILE").exists() && home.join("advisories.lgdb.sig").exists());
    let [scan] = &lines("docs/advisories.md", "FILE-OR-DIR")[..] else { panic!("one line scans by a file") };
    for db in ["FILE", &feeds, "advisories.lgdb --verify-key key.pub"] {
        let line = scan.replace("FILE-OR-DIR", db).replace("IMAGE", &shop());
        let run = shell(&program, &format!("{line} -o json=report.json"), &[]);
        assert_eq!(run.code, 1, "{line}: {}", run.stderr);
    }
    // Every subcommand and flag of the lines that need a registry or the feeds' own places is there.
    for file in ["docs/advisories.md", "docs/policy.md", "docs/sbom.md", "docs/fleet.md"] {
        for line in lines(file, "layergate ") {
            let words: Vec<&str> = line.split_whitespace().skip(1).collect();
            let command: Vec<&str> = words.iter().copied().take_while(|w| w.chars().all(char::is_lowercase)).collect();
            let run = shell(&program, &format!("layergate {} --help", command.join(" ")), &[]);
            assert_eq!(run.code, 0, "{file}: {line}: {}", run.stderr);
            for flag in words.iter().filter(|w| w.starts_with("--")) {
                assert!(run.stdout.contains(*flag), "{file}: {line}: there is no {flag}");
            }
        }
    }
    fs::write(home.join("policy.toml"), "version = 1\n").unwrap();
    for line in
        ["policy check policy.toml", "policy what-if report.json --policy policy.toml", "diff report.json report.json"]
    {
        let run = shell(&program, &format!("layergate {line}"), &[]);
        assert_eq!(run.code, 0, "{line}: {}", run.stderr);
    }
}

#[test]
fn readmes_fleet() {
    let Some(mut fleet) = Fleet::new(1) else { return };
    let image = Image::build(&Recipe::read(fixture("recipes/shop.toml").as_ref()).unwrap()).unwrap();
    let reference = fleet.push("team/app", "1.4", &image);
    let typed = |word: &str| {
        let lines = lines("README.md", word);
        assert_eq!(lines.len(), 1, "{word}: {lines:?}");
        lines[0].split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    // What every fleet has its own of is the stand-in's; all flags are README's.
    let places = ["--nats", "--listen", "--db", "--policy", "--cache-dir"];
    for (word, own) in [("layergate coordinator", &places[..4]), ("layergate worker", &["--nats", "--cache-dir"])] {
        let flags: Vec<String> = typed(word).into_iter().filter(|w| w.starts_with("--")).collect();
        assert_eq!(flags, own, "{word}");
    }
    let policy = fleet.program.home.path().join("policy.toml");
    fs::write(&policy, "version = 1\n").unwrap();
    let coordinator = fleet.coordinator(0, &["--policy", policy.to_str().unwrap()]);
    let _worker = fleet.worker(0, &[]);
    fleet.ready(&[&coordinator]);
    let line = typed("--server").join(" ").replace("http://127.0.0.1:8465", &fleet.servers());
    let line = format!("layergate {}", line.replace("registry.example.com/team/app:1.4", &reference));
    let run = {
        let mut command = fleet.program.command(line.split(' ').skip(1));
        fleet.program.finish(&mut command)
    };
    assert_eq!(run.code, 1, "{line}: {}", run.stderr);
}

/// The script of GitLab's piece under the umask of its runners; the second job finds what the first has kept.
#[test]
fn the_pieces_for_ci_cache_what_has_to_be_cached() {
    let text = fs::read_to_string(root().join("deploy/ci/gitlab-ci.yml")).unwrap();
    let script = text.split("  script:\n").nth(1).unwrap().split("  artifacts:").next().unwrap();
    let commands: Vec<&str> =
        script.lines().map(str::trim).filter(|l| !l.starts_with('#') && *l != "- >-" && !l.is_empty()).collect();
    let [made, rest @ ..] = &commands[..] else { panic!("{script}") };
    let line = format!("umask 0000; {}; {}", made.trim_start_matches("- "), rest.join(" "));
    let program = Program::default();
    let project = program.home.path().display().to_string();
    let value = |name: &str| {
        let line = text.lines().find_map(|l| l.trim().strip_prefix(&format!("{name}: "))).unwrap();
        line.trim_matches('"').replace("$CI_PROJECT_DIR", &project)
    };
    let names = ["LAYERGATE_CACHE_DIR", "LAYERGATE_DATA_DIR"];
    let mut environment: Vec<(&str, String)> = names.iter().map(|n| (*n, value(n))).collect();
    environment.push(("IMAGE", shop()));
    // Both lie in what is cached.
    let cached = format!("{project}/.layergate-cache");
    assert!(text.contains("paths: [.layergate-cache]"));
    assert!(environment[..2].iter().all(|(_, place)| place.starts_with(&cached)), "{environment:?}");
    for _ in 0..2 {
        let run = shell(&program, &line, &environment);
        assert_eq!(run.code, 1, "{line}: {}", run.stderr);
        assert!(!run.stderr.contains("is not believed"), "{}", run.stderr);
    }
    assert!(Path::new(&cached).join("layers").exists());
    // GitHub's piece names the places where the program keeps them without variables.
    let github = fs::read_to_string(root().join("deploy/ci/github-actions.yml")).unwrap();
    let program = Program::default();
    assert_eq!(shell(&program, "layergate scan --quiet \"$IMAGE\"", &[("IMAGE", shop())]).code, 1);
    assert!(program.home.path().join(".cache/layergate/layers").exists());
    for place in ["~/.cache/layergate", "~/.local/share/layergate"] {
        assert!(github.contains(place), "{place} is not cached");
    }
}

/// README's first command, run by the binary that is here, and its output as README prints it; the pictures of the table.
#[test]
fn readmes_first_command_prints_what_readme_shows() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let line = readme.lines().map(str::trim).find_map(|l| l.strip_prefix("cargo run --release -- ")).unwrap();
    let (_, shown) = readme.split_once("```text\n").unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    for (columns, name) in [("80", "table-80.txt"), ("200", "table-200.txt")] {
        let program = Program::default();
        let mut command = program.command(line.split(' '));
        let run = program.finish(command.env("COLUMNS", columns).current_dir(root()));
        assert_eq!((run.code, run.stderr.as_str()), (1, ""));
        let kept = fs::read_to_string(root().join("docs/images").join(name)).unwrap();
        assert_eq!(run.stdout, kept, "{name}: `just screenshots` makes it anew");
        assert!(columns != "80" || run.stdout == shown, "README shows another table than:\n{}", run.stdout);
    }
}
