//! A row of the table: an attack, what is measured beside it, and whether the server holds.

use crate::arena::{Arena, Stage};
use crate::honest::{Honest, Notes, Phase, Seen};
use crate::server::{Exit, MEMORY};
use std::fmt::Write as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// What an attack did, in a few words, or what it found to be wrong.
pub(crate) type Found = Result<String, String>;

/// An attack in progress.
pub(crate) type Attacking = Pin<Box<dyn Future<Output = Found> + Send>>;

/// An attack.
pub(crate) struct Row {
    /// Names the row to `make torture ROW=...`.
    pub(crate) name: &'static str,
    /// What the attackers do.
    pub(crate) what: &'static str,
    pub(crate) prepare: fn(&mut Stage),
    pub(crate) attack: fn(Arc<Arena>) -> Attacking,
    pub(crate) rules: Rules,
}

/// What is asked of the server beside what is asked in every row: it lives on, stays within its memory, writes no panic into
/// its log, answers nothing wrong, and ends within its drain timeout.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// How many times the latency of before the attack calls may take during it, if they are to be answered.
    pub(crate) latency: Option<u32>,
    /// Codes that honest calls may end with during the attack.
    pub(crate) errors: &'static [&'static str],
    /// Whether every health probe is answered during the attack.
    pub(crate) health: bool,
    /// Whether the server serves on after the attack.
    pub(crate) serves_on: bool,
}

/// The rules of most rows.
pub(crate) const STRICT: Rules =
    Rules { latency: Some(3), errors: &[], health: true, serves_on: true };

/// The rules where the source of the images is attacked: errors of these kinds are right answers.
pub(crate) const TYPED: Rules =
    Rules { latency: None, errors: &["UNAVAILABLE", "DEADLINE_EXCEEDED"], ..STRICT };

/// How long the honest clients call before the attack, and after it.
const QUIET: Duration = Duration::from_secs(3);

/// How long the server may take to end: the drain timeout, and half a second to cancel the rest, and as much for the machine.
const DRAIN: Duration = Duration::from_secs(11);

/// A latency that holds whatever it was before: a thread of the attack may have a CPU for a slice of the scheduler's.
const SLICE: Duration = Duration::from_millis(5);

/// Before an attack calls take a few milliseconds. Where they take longer than this, the machine is busy with other things.
const BUSY: Duration = Duration::from_millis(50);

/// How far behind its time an attack may end, for example in a call that hangs.
const OVERTIME: Duration = Duration::from_secs(60);

/// What was measured.
pub(crate) struct Measured {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    before: Seen,
    during: Seen,
    after: Seen,
    peak: u64,
    left: u64,
    /// CPU time a second of attack, in percent of one CPU.
    cpu: u64,
    exit: Exit,
    found: Found,
    /// Why the server does not hold; nothing where it does.
    pub(crate) faults: Vec<String>,
}

impl Row {
    /// Runs the attack against a fresh server. An error says why it could not be run.
    pub(crate) fn run(
        &self,
        binary: &Path,
        seconds: u64,
        honest_clients: &Runtime,
        attackers: &Runtime,
    ) -> Result<Measured, String> {
        let mut stage = Stage::new(seconds);
        (self.prepare)(&mut stage);
        let notes = Arc::new(Notes::default());
        let arena = Arc::new(honest_clients.block_on(stage.open(binary, Arc::clone(&notes)))?);
        let targets = arena.targets();
        let clients = Honest::start(&targets, arena.server.health, Arc::clone(&notes));
        notes.enter(Phase::Uncounted);
        let clients = honest_clients.block_on(async {
            let clients = clients.await?;
            // The first calls on a connection are slower.
            tokio::time::sleep(Duration::from_millis(300)).await;
            notes.enter(Phase::Before);
            tokio::time::sleep(QUIET).await;
            // The attack must not hit calls that belong to the time before it.
            notes.enter(Phase::Uncounted);
            notes.ended(Phase::Before).await;
            Ok::<_, String>(clients)
        })?;

        notes.enter(Phase::During);
        let (started, cpu) = (Instant::now(), arena.server.cpu());
        let attacking = (self.attack)(Arc::clone(&arena));
        let most = Duration::from_secs(arena.seconds) + OVERTIME;
        // As a task, so that it runs on the attackers' own threads.
        let mut attacking = attackers.spawn(attacking);
        let found = attackers.block_on(async { tokio::time::timeout(most, &mut attacking).await });
        attacking.abort();
        let found = match found {
            Ok(found) => found.unwrap_or_else(|error| Err(format!("the attack ended: {error}"))),
            Err(_) => Err("the attack does not end".to_owned()),
        };
        let took = started.elapsed();
        let cpu =
            arena.server.cpu().saturating_sub(cpu).as_millis() * 100 / took.as_millis().max(1);

        honest_clients.block_on(async {
            notes.enter(Phase::Uncounted);
            notes.ended(Phase::During).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            if self.rules.serves_on {
                notes.enter(Phase::After);
                tokio::time::sleep(QUIET).await;
                notes.enter(Phase::Uncounted);
                notes.ended(Phase::After).await;
            }
        });
        let (alive, left) = (arena.server.is_alive(), arena.server.memory());
        honest_clients.block_on(clients.stop());
        let exit = arena.server.stop();
        let mut measured = Measured {
            name: self.name,
            what: self.what,
            before: notes.seen(Phase::Before),
            during: notes.seen(Phase::During),
            after: notes.seen(Phase::After),
            peak: arena.server.peak(),
            left,
            cpu: u64::try_from(cpu).unwrap_or_default(),
            exit,
            found,
            faults: Vec::new(),
        };
        measured.faults = self.faults(&measured, &arena, alive);
        Ok(measured)
    }

    /// Everything that breaks a rule.
    fn faults(&self, measured: &Measured, arena: &Arena, alive: bool) -> Vec<String> {
        let Measured { before, during, after, exit, .. } = measured;
        if before.failed() > 0 || before.p99().is_none_or(|p99| p99 > BUSY) {
            let (p99, errors) = (time(before.p99()), &before.errors);
            let busy = format!(
                "not judged, the machine is busy: before the attack p99 {p99}, errors {errors:?}"
            );
            return measured.found.as_ref().err().cloned().into_iter().chain([busy]).collect();
        }
        let mut faults: Vec<String> = measured.found.as_ref().err().cloned().into_iter().collect();
        let mut unless = |holds: bool, fault: &dyn Fn() -> String| {
            if !holds {
                faults.push(fault());
            }
        };
        let rules = self.rules;
        unless(alive || !rules.serves_on, &|| format!("the server died: {}", arena.server.said()));
        unless(arena.server.killed() == 0, &|| "the kernel killed it: out of memory".to_owned());
        unless(measured.peak < MEMORY, &|| "its memory reached the limit".to_owned());
        unless(!arena.server.log().contains("panicked"), &|| "it panicked".to_owned());
        let wrong = before.wrong + during.wrong + after.wrong;
        unless(wrong == 0, &|| format!("{wrong} wrong answers"));
        let unexpected: Vec<_> = during
            .errors
            .iter()
            .filter(|(name, _)| !rules.errors.contains(&name.as_str()))
            .collect();
        unless(unexpected.is_empty(), &|| format!("honest calls ended with {unexpected:?}"));
        unless(!rules.health || during.missed == 0, &|| {
            format!("{} of {} health probes were missed", during.missed, during.probes)
        });
        if let Some(factor) = rules.latency {
            let most = (before.p99().unwrap_or_default() * factor).max(SLICE);
            let slow = during.p99().is_none_or(|p99| p99 > most);
            unless(!slow, &|| {
                format!("p99 {} instead of at most {}", time(during.p99()), time(Some(most)))
            });
        }
        if rules.serves_on {
            unless(after.failed() == 0 && after.calls() > 0, &|| {
                format!("after the attack: {:?}", after.errors)
            });
            unless(after.missed == 0, &|| "health probes were missed after the attack".to_owned());
        }
        unless(exit.status.success(), &|| format!("it ended with {}", exit.status));
        unless(exit.took < DRAIN, &|| format!("it ended {} after SIGTERM", time(Some(exit.took))));
        faults
    }
}

/// A duration as the table has it.
pub(crate) fn time(time: Option<Duration>) -> String {
    match time {
        None => "none".to_owned(),
        Some(time) if time < Duration::from_secs(1) => {
            format!("{:.1} ms", time.as_secs_f64() * 1000.0)
        }
        Some(time) => format!("{:.1} s", time.as_secs_f64()),
    }
}

impl Measured {
    pub(crate) const HEAD: &str = "\
| attack | p99 before | during | after | errors before, during, after | memory, most and after | CPU | exit | verdict |
|---|---|---|---|---|---|---|---|---|
";

    /// The line of the table.
    pub(crate) fn line(&self) -> String {
        let Self { before, during, after, .. } = self;
        let mib = |bytes: u64| bytes >> 20;
        let errors = [before, during, after].map(Seen::failed);
        let mut line = format!("| **{}** {}", self.name, self.what);
        if let Ok(found) = &self.found
            && !found.is_empty()
        {
            let _ = write!(line, ": {found}");
        }
        let _ = write!(
            line,
            " | {} | {} | {} | {}, {} of {}, {} | {} and {} MiB | {} % | {} | {} |",
            time(before.p99()),
            time(during.p99()),
            time(after.p99()),
            errors[0],
            errors[1],
            during.calls(),
            errors[2],
            mib(self.peak),
            mib(self.left),
            self.cpu,
            time(Some(self.exit.took)),
            if self.faults.is_empty() {
                "holds".to_owned()
            } else {
                format!("FAILS: {}", self.faults.join("; "))
            }
        );
        line
    }
}
