//! The simulation: a plate whose edge is cold, with hot spots that wander over it.

/// How many cells, across and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Cells in a row.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Size {
    /// Cells in all.
    pub fn cells(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }
}

/// What the plate looked like at an instant: the buffer that the two threads swap.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    /// Which it is; the first one is 1, and a buffer that was never filled is 0.
    pub number: u32,
    /// The temperatures, row by row, from 0 to 1.
    pub cells: Vec<f32>,
}

impl Frame {
    /// A buffer for frames of this size.
    pub fn new(size: Size) -> Frame {
        Frame {
            number: 0,
            cells: vec![0.0; size.cells()],
        }
    }
}

/// How much of the difference to its neighbours a cell takes over in a step; above a quarter the
/// temperatures would swing.
const FLOW: f32 = 0.24;

const SPOTS: usize = 4;

/// A hot spot on its ellipse around the middle.
#[derive(Clone, Copy, Debug)]
struct Spot {
    /// Half the width and half the height of the ellipse, as parts of the plate.
    reach: [f32; 2],
    /// Where it is, in turns, and by how much that changes in a step.
    turn: f32,
    pace: f32,
    /// Cells.
    radius: f32,
}

impl Spot {
    fn draw(random: &mut Random, size: Size) -> Spot {
        let smaller = f32::from(size.width.min(size.height));
        Spot {
            reach: [0.15 + 0.25 * random.unit(), 0.15 + 0.25 * random.unit()],
            turn: random.unit(),
            pace: (0.2 + random.unit()) * 1e-3 * if random.unit() < 0.5 { -1.0 } else { 1.0 },
            radius: smaller * (0.02 + 0.04 * random.unit()) + 0.5,
        }
    }
}

/// The state of the simulation. The same size and seed give the same frames.
#[derive(Clone, Debug)]
pub struct Plate {
    size: Size,
    now: Vec<f32>,
    next: Vec<f32>,
    spots: [Spot; SPOTS],
    frames: u32,
}

impl Plate {
    /// A cold plate.
    pub fn new(size: Size, seed: u64) -> Plate {
        let mut random = Random(seed);
        Plate {
            size,
            now: vec![0.0; size.cells()],
            next: vec![0.0; size.cells()],
            spots: [(); SPOTS].map(|()| Spot::draw(&mut random, size)),
            frames: 0,
        }
    }

    /// Goes on by so many steps and writes what there is then into `frame`.
    pub fn advance(&mut self, steps: u32, frame: &mut Frame) {
        for _ in 0..steps {
            self.heat();
            self.flow();
        }
        self.frames += 1;
        frame.number = self.frames;
        frame.cells.copy_from_slice(&self.now);
    }

    /// Moves the spots on; below them it is as hot as it gets.
    fn heat(&mut self) {
        let (width, height) = (f32::from(self.size.width), f32::from(self.size.height));
        for spot in &mut self.spots {
            spot.turn = (spot.turn + spot.pace).rem_euclid(1.0);
            let angle = spot.turn * std::f32::consts::TAU;
            let across = width * (0.5 + spot.reach[0] * angle.cos());
            let down = height * (0.5 + spot.reach[1] * angle.sin());
            let around = |middle: f32, end: f32| {
                let first = (middle - spot.radius).max(1.0) as usize;
                let last = (middle + spot.radius).min(end - 2.0) as usize;
                first..last + 1
            };
            for y in around(down, height) {
                for x in around(across, width) {
                    let (dx, dy) = (x as f32 - across, y as f32 - down);
                    if dx * dx + dy * dy <= spot.radius * spot.radius {
                        self.now[y * usize::from(self.size.width) + x] = 1.0;
                    }
                }
            }
        }
    }

    /// Lets the heat flow between neighbours. The edge stays cold.
    fn flow(&mut self) {
        let width = usize::from(self.size.width);
        let inner = width..self.now.len().saturating_sub(width);
        for row in inner.step_by(width) {
            let [above, here, below] =
                [row - width, row, row + width].map(|at| &self.now[at..][..width]);
            let next = &mut self.next[row..][..width];
            for x in 1..width.saturating_sub(1) {
                let around = above[x] + below[x] + here[x - 1] + here[x + 1];
                next[x] = here[x] + FLOW * (around - 4.0 * here[x]);
            }
        }
        std::mem::swap(&mut self.now, &mut self.next);
    }
}

/// SplitMix64.
#[derive(Debug)]
struct Random(u64);

impl Random {
    /// From 0 up to 1.
    fn unit(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1u32 << 24) as f32
    }
}
