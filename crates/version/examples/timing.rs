//! What one comparison costs: `cargo run --release -p layergate-version --example timing`. Prints nanoseconds
//! for each scheme over versions that packages really have.

use std::hint::black_box;
use std::time::Instant;

use layergate_version::Scheme;

const SAMPLES: &[(Scheme, &[&str])] = &[
    (
        Scheme::Dpkg,
        &[
            "3.0.11-1~deb12u2",
            "3.0.11-1~deb12u1",
            "1:9.2p1-2+deb12u2",
            "2.36-9+deb12u4",
            "6.4-4",
            "5.4.1-0.2",
            "0.9.8-1",
        ],
    ),
    (
        Scheme::Rpm,
        &[
            "1:3.0.7-27.el9",
            "1:3.0.7-25.el9_3",
            "2.34-83.el9.12",
            "5.1.8-6.el9_1",
            "3.6.8-56.el8_9.3",
            "0:4.16.1.3-29.el9",
        ],
    ),
    (
        Scheme::Apk,
        &["3.1.4-r5", "3.1.4-r6", "1.2.4_git20230717-r4", "1.36.1-r15", "2.12.7-r0", "9.0_p1-r2", "20240226-r0"],
    ),
    (Scheme::Semver, &["1.2.3", "1.2.4", "4.17.21", "2.0.0-rc.1", "2.0.0-rc.10", "0.0.1+build.5", "18.2.0"]),
    (Scheme::Go, &["v1.2.3", "v0.0.0-20210101000000-abcdefabcdef", "v0.17.0", "go1.21.3", "v2.0.0+incompatible"]),
    (Scheme::Pep440, &["1.26.18", "2.0.7", "2.0.0rc1", "3.4.0.post1", "0.1.dev5", "1!2.0"]),
    (Scheme::RubyGems, &["1.2.3", "7.0.8.1", "2.0.0.rc1", "1.15.4", "3.0.0.beta2"]),
    (Scheme::Maven, &["2.15.2", "5.3.30", "1.0.0-rc1", "4.1.100.Final", "2.0.0-M2", "31.1-jre"]),
    (Scheme::Packagist, &["v5.4.3", "v6.0.0-RC1", "1.9.0", "2.0.0-beta2", "3.6.0"]),
    (Scheme::Nuget, &["13.0.1", "6.0.0-rc.1.21451.13", "4.3.0.0", "1.0.0-beta2"]),
];

fn main() {
    for (scheme, versions) in SAMPLES {
        let pairs = versions.len() * versions.len();
        let rounds = 2_000_000 / pairs;
        let mut best = f64::MAX;
        for _ in 0..5 {
            let start = Instant::now();
            for _ in 0..rounds {
                for a in *versions {
                    for b in *versions {
                        let _ = black_box(scheme.compare(black_box(a), black_box(b)));
                    }
                }
            }
            best = best.min(start.elapsed().as_nanos() as f64 / (rounds * pairs) as f64);
        }
        println!("{scheme}: {best:.1} ns");
    }
}
