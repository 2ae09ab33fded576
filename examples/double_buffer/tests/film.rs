//! Both ways make the same film, and whatever goes wrong ends both threads.

use counterpoint::cancel::CancelToken;
use double_buffer::plate::{Frame, Plate, Size};
use double_buffer::run::{Script, Trouble, alone, together};
use std::io::{self, Write};

const SCRIPT: Script = Script {
    size: Size {
        width: 40,
        height: 30,
    },
    frames: 12,
    steps: 10,
    rate: 25,
    seed: 7,
};

/// Room for so many bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0 {
            return Err(io::Error::other("the disk is full"));
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn two_threads_make_the_film_that_one_makes() {
    let token = CancelToken::new();
    let (mut both, mut one, mut shown) = (Vec::new(), Vec::new(), Vec::new());
    let made = together(&SCRIPT, &mut both, true, &token, |frame| shown.push(frame)).unwrap();
    assert_eq!((made.frames, made.checked), (12, 12));
    assert_eq!(shown, (1..=12).collect::<Vec<u32>>());
    assert_eq!(alone(&SCRIPT, &mut one, &token, |_| ()).unwrap().frames, 12);
    assert_eq!(both, one);
}

#[test]
fn the_film_holds_the_frames() {
    let (mut film, token) = (Vec::new(), CancelToken::new());
    together(&SCRIPT, &mut film, false, &token, |_| ()).unwrap();
    let mut decoder = gif::DecodeOptions::new()
        .read_info(film.as_slice())
        .unwrap();
    let mut plate = Plate::new(SCRIPT.size, SCRIPT.seed);
    let mut expected = Frame::new(SCRIPT.size);
    let mut frames = 0;
    while let Some(image) = decoder.read_next_frame().unwrap() {
        plate.advance(SCRIPT.steps, &mut expected);
        let heat = |index: &u8| f32::from(*index) / 255.0;
        let close = |(index, cell): (&u8, &f32)| (heat(index) - cell).abs() < 0.003;
        assert_eq!((image.width, image.height), (40, 30));
        assert!(image.buffer.iter().zip(&expected.cells).all(close));
        frames += 1;
    }
    assert_eq!(frames, SCRIPT.frames);
}

#[test]
fn heat_flows_and_the_edge_stays_cold() {
    let size = SCRIPT.size;
    let (mut plate, mut frame) = (Plate::new(size, 3), Frame::new(size));
    let mut warm = 0;
    for _ in 0..5 {
        plate.advance(20, &mut frame);
        let now = frame.cells.iter().filter(|cell| **cell > 0.01).count();
        assert!(now > warm, "{now} cells are warm after {warm}");
        warm = now;
    }
    assert_eq!(frame.number, 5);
    assert!(frame.cells.iter().all(|cell| (0.0..=1.0).contains(cell)));
    for (at, cell) in frame.cells.iter().enumerate() {
        let (x, y) = (at % 40, at / 40);
        let edge = x == 0 || y == 0 || x == 39 || y == 29;
        assert!(!edge || *cell == 0.0);
    }
}

#[test]
fn a_cancelled_film_ends_with_the_frames_there_are() {
    let (token, mut film) = (CancelToken::new(), Vec::new());
    let script = Script {
        frames: 100_000,
        ..SCRIPT
    };
    let show = |frame| {
        if frame == 3 {
            token.cancel("enough");
        }
    };
    let made = together(&script, &mut film, false, &token, show).unwrap();
    assert!((3..10).contains(&made.frames), "{made:?}");
    assert_eq!(film.last(), Some(&b';'));
}

#[test]
fn a_full_disk_ends_both_threads() {
    let token = CancelToken::new();
    let made = together(&SCRIPT, Disk(2000), false, &token, |_| ());
    let trouble = made.unwrap_err();
    assert!(matches!(trouble, Trouble::Picture(_)));
    assert_eq!(
        trouble.to_string(),
        "the picture cannot be written: the disk is full"
    );
}

#[test]
#[should_panic(expected = "the screen is broken")]
fn a_panic_while_drawing_ends_both_threads() {
    let token = CancelToken::new();
    let show = |_| panic!("the screen is broken");
    let _ = together(&SCRIPT, io::sink(), false, &token, show);
}
