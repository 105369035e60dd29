//! One release: so many cases, each asked on both sides.

use crate::accounts;
use crate::case::Case;
use crate::config::any_config;
use crate::deliberate::{self, Known, Seen};
use crate::equipment;
use crate::options;
use crate::program::{Answer, Program};
use crate::support::say::say;
use crate::support::service::Fixture;
use crate::tasks;
use crate::text;
use crate::{NEWEST, Release};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::runtime::Runtime;
use tonic::Code;
use tonic_types::StatusExt;

/// How many cases a release gets where nobody says.
const CASES: usize = 300;

/// How many smaller cases are tried for one that differs.
const SHRINKS: usize = 400;

/// The number of differences that are printed before a run ends.
const TOLD: usize = 20;

/// What became of a case.
enum Outcome {
    /// The same bytes.
    Equal,
    /// No spec on either side; for what reason on ours.
    BothFail(String),
    /// A difference of the list.
    Deliberate(&'static Known),
    /// A difference that nobody has explained.
    Differs(String),
}

/// Both sides, ready to be asked.
struct Sides<'a> {
    release: &'a Release,
    program: Program,
    runtime: Runtime,
}

/// Asks every case of one release.
pub(crate) fn release(release: &Release) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if release.version != NEWEST && !asks_all() {
        say(
            "SKIPPED: the oracles of the older releases of containerd: SPECD_ORACLE_RELEASES=all, as make test-full sets it",
        );
        return;
    }
    if !runtime.block_on(is_served(release.profile)) {
        say(&format!(
            "SKIPPED: the oracle of containerd {}: no profile {}",
            release.version, release.profile
        ));
        return;
    }
    let program = match Program::start(release.version) {
        Ok(program) => program,
        Err(reason) => {
            say(&format!("SKIPPED: the oracle of containerd {}: {reason}", release.version));
            return;
        }
    };
    let mut sides = Sides { release, program, runtime };
    sides.check_witnesses();
    sides.check_cases();
    sides.check_tasks();
}

/// Whether older releases are asked beside the newest. Each is a program of its own, which takes its time to build.
fn asks_all() -> bool {
    std::env::var("SPECD_ORACLE_RELEASES").is_ok_and(|value| value == "all")
}

/// Whether the server has a profile.
async fn is_served(profile: &str) -> bool {
    let case = deliberate::plain();
    let answer = Fixture::new(&case.config, None, None).generate(case.request(profile)).await;
    !answer.is_err_and(|status| status.message().contains("unknown profile"))
}

impl Sides<'_> {
    /// Asks both sides.
    fn ask(&mut self, case: &Case) -> Outcome {
        let go = self.program.ask(&case.question());
        let fixture = Fixture::new(&case.config, case.passwd.as_deref(), case.group.as_deref())
            .on(equipment::machine());
        let ours = self.runtime.block_on(fixture.generate(case.request(self.release.profile)));
        let ours = ours.map(|answer| String::from_utf8(answer.spec.unwrap().value).unwrap());
        match (&go, &ours) {
            (_, Err(status)) if matches!(status.code(), Code::Internal | Code::Unknown) => {
                Outcome::Differs(format!("a defect of ours: {status}"))
            }
            (Answer::Spec(go), Ok(ours)) if go == ours => Outcome::Equal,
            (Answer::Error(_), Err(status)) => {
                let details = status.get_details_error_info();
                Outcome::BothFail(details.map(|details| details.reason).unwrap_or_default())
            }
            _ => {
                let version = self.release.version;
                let report = report(&go, &ours);
                let seen = Seen { version, case, go, ours };
                match deliberate::find(&seen) {
                    Some(known) => Outcome::Deliberate(known),
                    None => Outcome::Differs(report),
                }
            }
        }
    }

    /// Each deliberate difference still is one, shown by its witness.
    fn check_witnesses(&mut self) {
        for known in deliberate::all().filter(|known| known.concerns(self.release.version)) {
            let case = (known.witness)();
            let outcome = match self.ask(&case) {
                Outcome::Equal => "both sides answer the same".to_owned(),
                Outcome::BothFail(_) => "both sides fail".to_owned(),
                Outcome::Deliberate(other) if other.name == known.name => continue,
                Outcome::Deliberate(other) => format!("it is now {:?}", other.name),
                Outcome::Differs(how) => how,
            };
            let version = self.release.version;
            panic!(
                "{version}: {:?} is no deliberate difference any more: {outcome}\n{case:?}",
                known.name
            );
        }
    }

    fn check_cases(&mut self) {
        let (cases, seed) = (number("SPECD_ORACLE_CASES").unwrap_or(CASES as u64), seed());
        let mut runner = runner(seed, self.release);
        let strategy = any_case();
        let mut equal = 0;
        let mut both_fail: BTreeMap<String, u32> = BTreeMap::new();
        let mut deliberate: BTreeMap<&str, (&str, u32)> = BTreeMap::new();
        let mut wrong = Vec::new();
        for _ in 0..cases {
            let mut tree = strategy.new_tree(&mut runner).unwrap();
            match self.ask(&tree.current()) {
                Outcome::Equal => equal += 1,
                Outcome::BothFail(reason) => *both_fail.entry(reason).or_default() += 1,
                Outcome::Deliberate(known) => {
                    deliberate.entry(known.name).or_insert((known.reason, 0)).1 += 1;
                }
                Outcome::Differs(how) => wrong.push(self.smallest(&mut tree, how)),
            }
            if wrong.len() >= TOLD {
                break;
            }
        }
        let version = self.release.version;
        let mut summary = format!(
            "oracle: containerd {version}, seed {seed}, {cases} cases: {equal} equal byte for byte, \
             {} fail on both sides {both_fail:?}, {} differ on purpose",
            both_fail.values().sum::<u32>(),
            deliberate.values().map(|(_, count)| count).sum::<u32>(),
        );
        for (name, (reason, count)) in &deliberate {
            summary += &format!("\n    {count:5} {name}: {reason}");
        }
        say(&summary);
        assert!(
            wrong.is_empty(),
            "{version}: {} differences:\n\n{}",
            wrong.len(),
            wrong.join("\n\n")
        );
        assert!(equal * 4 > cases, "{version}: too few cases give a spec to say anything");
    }

    /// Execs and updates, a third as many.
    fn check_tasks(&mut self) {
        let count = number("SPECD_ORACLE_CASES").unwrap_or(CASES as u64).div_ceil(3);
        let mut runner = runner(seed(), self.release);
        let (program, runtime) = (&mut self.program, &self.runtime);
        tasks::check(self.release, program, runtime, &mut runner, &any_case(), count);
    }

    /// The smallest case that still differs, and its difference.
    fn smallest(&mut self, tree: &mut impl ValueTree<Value = Case>, mut how: String) -> String {
        let mut least = tree.current();
        for _ in 0..SHRINKS {
            let case = tree.current();
            let moved = match self.ask(&case) {
                Outcome::Differs(text) => {
                    (least, how) = (case, text);
                    tree.simplify()
                }
                Outcome::Equal | Outcome::BothFail(_) | Outcome::Deliberate(_) => tree.complicate(),
            };
            if !moved {
                break;
            }
        }
        format!("{how}\n{least:?}")
    }
}

/// How two answers differ, in a line or two.
fn report(go: &Answer, ours: &Result<String, tonic::Status>) -> String {
    match (go, ours) {
        (Answer::Error(go), Ok(_)) => format!("Go fails, we do not: {go}"),
        (Answer::Error(go), Err(ours)) => format!("both fail: {go}, {}", ours.message()),
        (Answer::Spec(_), Err(ours)) => format!("we refuse, Go does not: {}", ours.message()),
        (Answer::Spec(go), Ok(ours)) => {
            let same = ours.bytes().zip(go.bytes()).take_while(|(a, b)| a == b).count();
            let rest = |text: &str| {
                let from = same.saturating_sub(30);
                String::from_utf8_lossy(&text.as_bytes()[from..])
                    .chars()
                    .take(120)
                    .collect::<String>()
            };
            format!("ours {}\nGo's {}", rest(ours), rest(go))
        }
    }
}

pub(crate) fn any_case() -> BoxedStrategy<Case> {
    let names = prop_oneof![
        150 => (text::identifier(), text::identifier()),
        1 => (text::identifier(), text::of(&["", "../x", "a/b", "-", "a..b", "a b", "<&>"])),
        1 => (text::of(&["", "../x", "-a"]), text::identifier()),
    ];
    (any_config(), accounts::passwd(), accounts::group(), names, options::any_set())
        .prop_map(|(config, passwd, group, (namespace, id), options)| Case {
            config,
            passwd,
            group,
            namespace,
            id,
            options,
        })
        .boxed()
}

/// A source of chance of its own for each release, so that they do not all get the same cases.
fn runner(seed: u64, release: &Release) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    for (byte, of_version) in bytes[8..].iter_mut().zip(release.version.bytes()) {
        *byte = of_version;
    }
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(Config::default(), rng)
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// The seed that was asked for, `random` for a new one each time, or always the same.
pub(crate) fn seed() -> u64 {
    match std::env::var("SPECD_ORACLE_SEED").as_deref() {
        Ok("random") => SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64,
        _ => number("SPECD_ORACLE_SEED").unwrap_or(1),
    }
}
