//! The two ways to make the film: on two threads that swap buffers, and on one.

use counterpoint::cancel::CancelToken;
use counterpoint::sync::RendezvousData;
use std::fmt;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::film::Film;
use crate::plate::{Frame, Plate, Size};

/// What is to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The plate.
    pub size: Size,
    /// How many frames.
    pub frames: u32,
    /// Steps of the simulation for each frame.
    pub steps: u32,
    /// Frames a second, as the picture is shown.
    pub rate: u16,
    /// Where the hot spots begin.
    pub seed: u64,
}

impl Script {
    fn plate(&self) -> Plate {
        Plate::new(self.size, self.seed)
    }
}

/// What was done, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Frames in the picture; fewer than wanted after a cancellation.
    pub frames: u32,
    /// Frames that were computed a second time on the drawing thread, and were the same.
    pub checked: u32,
    /// Time that computing took.
    pub computing: Duration,
    /// Time that drawing took, and checking.
    pub drawing: Duration,
    /// From the beginning to the end.
    pub took: Duration,
}

/// Why there is no film.
#[derive(Debug)]
pub enum Trouble {
    /// The picture cannot be written.
    Picture(io::Error),
    /// This frame is not the one that a single thread computes.
    Differs(u32),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Picture(error) => write!(f, "the picture cannot be written: {error}"),
            Trouble::Differs(frame) => write!(
                f,
                "frame {frame} is not the one that a single thread computes"
            ),
        }
    }
}

impl std::error::Error for Trouble {}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Picture(error)
    }
}

/// Computes on a second thread and draws on this one. `show` is told of each frame.
///
/// With `check` each frame is computed once more on this thread, and compared. A cancelled token
/// ends the film with the frames there are.
///
/// # Errors
/// If the picture cannot be written, or a frame is not what it should be.
pub fn together(
    script: &Script,
    out: impl Write,
    check: bool,
    token: &CancelToken,
    show: impl FnMut(u32),
) -> Result<Made, Trouble> {
    let begun = Instant::now();
    let buffer = || Frame::new(script.size);
    let (simulation, screen) = RendezvousData::new(buffer(), buffer());
    let (computing, drawn) = thread::scope(|s| {
        let computing = s.spawn(|| compute(script, simulation, token));
        // A panic or an error here drops `screen`, which ends the other thread, and the reverse.
        let drawn = draw(script, screen, out, check, show);
        let computing = match computing.join() {
            Ok(time) => time,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        (computing, drawn)
    });
    let mut made = drawn?;
    made.computing = computing;
    made.took = begun.elapsed();
    Ok(made)
}

/// Fills one buffer after the other. Returns how long it computed.
fn compute(script: &Script, mut party: RendezvousData<Frame>, token: &CancelToken) -> Duration {
    let mut plate = script.plate();
    let mut busy = Duration::ZERO;
    for _ in 0..script.frames {
        if token.is_cancelled() {
            break;
        }
        let begun = Instant::now();
        // None only after a swap that was given up, and here none is.
        let Some(frame) = party.get_mut() else { break };
        plate.advance(script.steps, frame);
        busy += begun.elapsed();
        if party.swap_checked().is_err() {
            // Nobody draws any more, and says why.
            break;
        }
    }
    // Dropping the party tells the one who draws that the last frame was the last one.
    busy
}

/// Draws one buffer after the other until nobody brings any more.
fn draw(
    script: &Script,
    mut party: RendezvousData<Frame>,
    out: impl Write,
    check: bool,
    mut show: impl FnMut(u32),
) -> Result<Made, Trouble> {
    let mut film = Film::new(out, script.size, script.rate)?;
    let mut single = check.then(|| (script.plate(), Frame::new(script.size)));
    let mut made = Made::default();
    while let Ok(frame) = party.swap_checked() {
        let begun = Instant::now();
        if let Some((plate, expected)) = &mut single {
            plate.advance(script.steps, expected);
            if frame != expected {
                return Err(Trouble::Differs(expected.number));
            }
            made.checked += 1;
        }
        film.add(frame)?;
        made.frames += 1;
        made.drawing += begun.elapsed();
        show(made.frames);
    }
    film.finish()?;
    Ok(made)
}

/// Computes and draws in turn, on this thread.
///
/// # Errors
/// If the picture cannot be written.
pub fn alone(
    script: &Script,
    out: impl Write,
    token: &CancelToken,
    mut show: impl FnMut(u32),
) -> Result<Made, Trouble> {
    let begun = Instant::now();
    let mut film = Film::new(out, script.size, script.rate)?;
    let (mut plate, mut frame) = (script.plate(), Frame::new(script.size));
    let mut made = Made::default();
    while made.frames < script.frames && !token.is_cancelled() {
        let before = Instant::now();
        plate.advance(script.steps, &mut frame);
        let between = Instant::now();
        film.add(&frame)?;
        made.computing += between - before;
        made.drawing += between.elapsed();
        made.frames += 1;
        show(made.frames);
    }
    film.finish()?;
    made.took = begun.elapsed();
    Ok(made)
}
