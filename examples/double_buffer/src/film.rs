//! The animated picture.

use gif::{DisposalMethod, Encoder, Frame as Image, Repeat};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use crate::plate::{Frame, Size};

/// Colours of a picture.
const COLOURS: usize = 256;

/// Cold to hot: black, blue, purple, red, orange, yellow, white.
const SCALE: [[u8; 3]; 7] = [
    [0, 0, 0],
    [20, 20, 120],
    [110, 20, 140],
    [205, 40, 60],
    [245, 130, 20],
    [255, 220, 70],
    [255, 255, 255],
];

/// An animated GIF that is written frame by frame.
pub struct Film<W: Write> {
    encoder: Encoder<W>,
    size: Size,
    pause: u16,
    /// The colours of a frame's cells; given to the encoder and taken back.
    indices: Vec<u8>,
}

impl<W: Write> fmt::Debug for Film<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Film")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl<W: Write> Film<W> {
    /// Begins a picture that shows `rate` frames a second, from the beginning again at its end.
    ///
    /// # Errors
    /// If its first bytes cannot be written.
    pub fn new(out: W, size: Size, rate: u16) -> io::Result<Film<W>> {
        let mut encoder = Encoder::new(out, size.width, size.height, &palette()).map_err(told)?;
        encoder.set_repeat(Repeat::Infinite).map_err(told)?;
        Ok(Film {
            encoder,
            size,
            // Hundredths of a second.
            pause: (100 / rate.max(1)).max(1),
            indices: Vec::new(),
        })
    }

    /// Draws a frame.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn add(&mut self, frame: &Frame) -> io::Result<()> {
        let mut indices = std::mem::take(&mut self.indices);
        indices.clear();
        let hottest = (COLOURS - 1) as f32;
        indices.extend(frame.cells.iter().map(|heat| (heat * hottest + 0.5) as u8));
        let image = Image {
            width: self.size.width,
            height: self.size.height,
            delay: self.pause,
            dispose: DisposalMethod::Keep,
            buffer: Cow::Owned(indices),
            ..Image::default()
        };
        self.encoder.write_frame(&image).map_err(told)?;
        if let Cow::Owned(indices) = image.buffer {
            self.indices = indices;
        }
        Ok(())
    }

    /// Ends the picture.
    ///
    /// # Errors
    /// If its last bytes cannot be written.
    pub fn finish(self) -> io::Result<()> {
        self.encoder.into_inner()?.flush()
    }
}

fn told(error: gif::EncodingError) -> io::Error {
    match error {
        gif::EncodingError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// Red, green and blue of all colours, one after the other.
fn palette() -> Vec<u8> {
    let shade = |index: usize| {
        let at = index as f32 / (COLOURS - 1) as f32 * (SCALE.len() - 1) as f32;
        let below = (at as usize).min(SCALE.len() - 2);
        let part = at - below as f32;
        let mix = |channel: usize| {
            let (low, high) = (SCALE[below][channel], SCALE[below + 1][channel]);
            (f32::from(low) * (1.0 - part) + f32::from(high) * part + 0.5) as u8
        };
        [mix(0), mix(1), mix(2)]
    };
    (0..COLOURS).flat_map(shade).collect()
}
