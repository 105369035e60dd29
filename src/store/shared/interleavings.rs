//! Every interleaving of callers that arrive and leave, a tag that moves, and the tasks that look it up.
//!
//! The scheduler is exhaustive: from each state it takes every step that is possible. Each step is one that
//! the locks of `Shared` make atomic.

use super::batches::Batches;
use std::collections::HashSet;

/// The image that a tag points to: each move of the tag adds one.
type Image = u8;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Caller {
    /// Has not arrived.
    Away,
    /// Waits since the tag pointed to this image.
    Waits(Image),
    Answered,
    Left,
}

/// A task that runs the lookups of the name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Task {
    /// Takes the next batch in its next step.
    Idle,
    /// Has taken these callers, and not read the tag.
    Began(Vec<usize>),
    /// Has read the tag.
    Read(Vec<usize>, Image),
}

#[derive(Debug, Clone)]
struct State {
    batches: Batches<(), Vec<usize>>,
    callers: Vec<Caller>,
    tasks: Vec<Task>,
    tag: Image,
    moves_left: u8,
    crashes_left: u8,
}

impl State {
    fn new(callers: usize, moves_left: u8, crashes_left: u8) -> Self {
        let callers = vec![Caller::Away; callers];
        let (batches, tasks) = (Batches::default(), Vec::new());
        Self { batches, callers, tasks, tag: 0, moves_left, crashes_left }
    }

    /// What tells states apart.
    fn key(&self) -> String {
        format!("{self:?}")
    }

    /// The states after each step that is possible.
    fn next(&self) -> Vec<Self> {
        let mut next = Vec::new();
        let mut step = |change: &dyn Fn(&mut Self)| {
            let mut state = self.clone();
            change(&mut state);
            next.push(state);
        };
        for (caller, now) in self.callers.iter().enumerate() {
            match now {
                Caller::Away => step(&|state| state.arrive(caller)),
                Caller::Waits(_) => step(&|state| state.callers[caller] = Caller::Left),
                Caller::Answered | Caller::Left => {}
            }
        }
        for task in 0..self.tasks.len() {
            step(&|state| state.advance(task));
            if self.crashes_left > 0 {
                step(&|state| state.crash(task));
            }
        }
        if self.moves_left > 0 {
            step(&|state| {
                state.moves_left -= 1;
                state.tag += 1;
            });
        }
        next
    }

    fn arrive(&mut self, caller: usize) {
        self.callers[caller] = Caller::Waits(self.tag);
        let (batch, must_start) = self.batches.join((), Vec::new);
        batch.push(caller);
        if must_start {
            self.tasks.push(Task::Idle);
        }
    }

    fn advance(&mut self, task: usize) {
        match self.tasks[task].clone() {
            Task::Idle => match self.batches.begin(&()) {
                Some(batch) => self.tasks[task] = Task::Began(batch),
                None => drop(self.tasks.remove(task)),
            },
            Task::Began(batch) => {
                // If all callers have left, the lookup is cancelled.
                let wanted = batch.iter().any(|&caller| self.waits(caller));
                self.tasks[task] = if wanted { Task::Read(batch, self.tag) } else { Task::Idle };
            }
            Task::Read(batch, image) => {
                for caller in batch {
                    if let Caller::Waits(at_arrival) = self.callers[caller] {
                        assert!(
                            image >= at_arrival,
                            "an answer is older than its request: {self:?}"
                        );
                        self.callers[caller] = Caller::Answered;
                    }
                }
                self.tasks[task] = Task::Idle;
            }
        }
    }

    /// The task panics: its callers and those that wait get an error.
    fn crash(&mut self, task: usize) {
        self.crashes_left -= 1;
        let mut failed = match self.tasks.remove(task) {
            Task::Idle => Vec::new(),
            Task::Began(batch) | Task::Read(batch, _) => batch,
        };
        failed.extend(self.batches.abandon(&()).into_iter().flatten());
        for caller in failed {
            if self.waits(caller) {
                self.callers[caller] = Caller::Answered;
            }
        }
    }

    fn waits(&self, caller: usize) -> bool {
        matches!(self.callers[caller], Caller::Waits(_))
    }
}

/// The number of states, each of which holds what must always hold.
fn explore(first: State) -> usize {
    let (mut seen, mut open) = (HashSet::from([first.key()]), vec![first]);
    while let Some(state) = open.pop() {
        assert!(state.tasks.len() <= 1, "two lookups of one name run: {state:?}");
        let next = state.next();
        if next.is_empty() {
            let waits = (0..state.callers.len()).any(|caller| state.waits(caller));
            assert!(!waits, "a caller waits for ever: {state:?}");
            assert!(state.batches.is_empty(), "a name is kept: {state:?}");
        }
        open.extend(next.into_iter().filter(|state| seen.insert(state.key())));
    }
    seen.len()
}

#[test]
fn no_answer_is_older_than_its_request_and_no_caller_waits_for_ever() {
    let states = explore(State::new(3, 2, 0));
    assert!(states > 1_000, "{states}");
}

#[test]
fn a_lookup_that_panics_leaves_no_caller_behind() {
    let states = explore(State::new(3, 1, 1));
    assert!(states > 1_000, "{states}");
}

/// A join of the running lookup, which is the fault that this design excludes, is found.
#[test]
#[should_panic(expected = "an answer is older than its request")]
fn the_model_finds_a_caller_that_joins_a_running_lookup() {
    let mut state = State::new(2, 1, 0);
    state.arrive(0);
    state.advance(0);
    state.advance(0);
    state.tag += 1;
    state.callers[1] = Caller::Waits(state.tag);
    let Task::Read(batch, _) = &mut state.tasks[0] else { return };
    batch.push(1);
    explore(state);
}
