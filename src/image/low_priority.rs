//! Long computations for one image, in threads that leave the CPUs to calls that need none.

use tokio::sync::oneshot;

/// The niceness of such a thread: against others it gets about a quarter of a CPU.
const NICENESS: i32 = 5;

/// Runs work in a thread of its own, since the priority of a thread of the runtime could not be raised again.
///
/// # Errors
///
/// A text if there is no thread, or it panicked.
pub(super) async fn run_with_low_priority<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (done, result) = oneshot::channel();
    let thread = std::thread::Builder::new().name("image".to_owned()).spawn(move || {
        // On Linux this is the priority of the calling thread alone. A thread may always lower it.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        // The caller may be gone.
        let _ = done.send(work());
    });
    thread.map_err(|error| format!("no thread: {error}"))?;
    result.await.map_err(|_| "its thread panicked".to_owned())
}
