//! What plotters draws on: SVG without any colour. A colour of plotters' is a number here, which stands for a class, and
//! the page's style says how that looks, in the light and in the dark.

use std::convert::Infallible;
use std::fmt::Write;

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

/// plotters counts in whole pixels; ten of its own are one of ours, so that sixty bars in a row are equally wide.
pub(super) const FINE: i32 = 10;

/// What is drawn, as the classes of [`CLASSES`].
pub(super) const GRID: RGBColor = RGBColor(0, 0, 0);
pub(super) const TICK: RGBColor = RGBColor(1, 0, 0);
pub(super) const AXIS: RGBColor = RGBColor(2, 0, 0);

const CLASSES: [&str; 8] = ["grid", "tick", "axis", "good", "bad", "one", "two", "three"];

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Ink {
    Good = 3,
    Bad = 4,
    One = 5,
    Two = 6,
    Three = 7,
}

impl Ink {
    pub(super) fn colour(self) -> RGBColor {
        RGBColor(self as u8, 0, 0)
    }

    /// Its class.
    pub(in crate::admin) fn class(self) -> &'static str {
        CLASSES[self as usize]
    }
}

/// An SVG in the making, without the element around it.
pub(super) struct Canvas<'a> {
    svg: &'a mut String,
    size: (u32, u32),
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> Canvas<'a> {
    /// Of so many pixels.
    pub(super) fn new(svg: &'a mut String, width: u32, height: u32) -> Canvas<'a> {
        let fine = FINE.unsigned_abs();
        Canvas { svg, size: (width * fine, height * fine) }
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) -> Drawn {
        // A string takes everything.
        let _ = self.svg.write_fmt(element);
        Ok(())
    }

    fn points(path: impl IntoIterator<Item = BackendCoord>) -> String {
        path.into_iter().map(|(x, y)| format!("{},{}", Place(x), Place(y))).collect::<Vec<_>>().join(" ")
    }
}

/// A coordinate, in our pixels.
struct Place(i32);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", f64::from(self.0) / f64::from(FINE))
    }
}

fn class(color: BackendColor) -> &'static str {
    CLASSES.get(usize::from(color.rgb.0)).copied().unwrap_or("grid")
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        self.size
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, _: BackendCoord, _: BackendColor) -> Drawn {
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        let (x1, y1, x2, y2) = (Place(from.0), Place(from.1), Place(to.0), Place(to.1));
        self.put(format_args!(r#"<line class="{}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#, class(style.color())))
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, _: bool) -> Drawn {
        let (x, y) = (from.0.min(to.0), from.1.min(to.1));
        let (width, height) = ((to.0 - from.0).abs(), (to.1 - from.1).abs());
        if width == 0 || height == 0 {
            return Ok(());
        }
        let (x, y, width, height) = (Place(x), Place(y), Place(width), Place(height));
        self.put(format_args!(r#"<rect class="bar {}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#, class(style.color())))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.put(format_args!(r#"<polyline class="line {}" points="{}"/>"#, class(style.color()), Canvas::points(path)))
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, _: bool) -> Drawn {
        let (x, y, radius) = (Place(at.0), Place(at.1), f64::from(radius) / f64::from(FINE));
        self.put(format_args!(r#"<circle class="dot {}" cx="{x}" cy="{y}" r="{radius}"/>"#, class(style.color())))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        self.put(format_args!(r#"<polygon class="area {}" points="{}"/>"#, class(style.color()), Canvas::points(path)))
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let anchor = match style.anchor().h_pos {
            HPos::Left => "start",
            HPos::Center => "middle",
            HPos::Right => "end",
        };
        // Baselines as attributes are understood differently; a shift is not.
        let shift = match style.anchor().v_pos {
            VPos::Top => "0.8em",
            VPos::Center => "0.35em",
            VPos::Bottom => "0",
        };
        let (x, y) = (Place(at.0), Place(at.1));
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.put(format_args!(r#"<text class="tick" x="{x}" y="{y}" dy="{shift}" text-anchor="{anchor}">{text}</text>"#))
    }
}
