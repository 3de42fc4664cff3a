//! Figures over time, as SVG that a page holds: bars that stand on each other, or lines.

mod canvas;
mod scale;

use std::fmt::Write;
use std::time::Duration;

use plotters::chart::ChartBuilder;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::Rectangle;
use plotters::series::LineSeries;
use plotters::style::{Color, IntoFont, TextStyle};

use crate::admin::clock::Clock;
use crate::admin::error::Error;
use crate::admin::format;
use canvas::{AXIS, Canvas, FINE, GRID, TICK};
use scale::{Axis, Scale, ticks_of_time};

pub(super) use canvas::Ink;

/// In pixels, where there is room; less of them where there is not.
const WIDTH: u32 = 560;
const HEIGHT: u32 = 190;
/// For the figures at the left, and for the times below.
const LEFT: u32 = 56;
const BELOW: u32 = 24;
const ABOVE: u32 = 10;
const RIGHT: u32 = 14;
/// Of a bar's place, what stays free.
const GAP: f64 = 0.2;

/// Bars or lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// What is added up stands on what came before.
    Bars,
    /// Each for itself; where nothing is known, a gap.
    Lines,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Whole things.
    Count,
    Milliseconds,
    Usd,
}

impl Unit {
    /// As people read it.
    pub(super) fn write(self, value: f64) -> String {
        match self {
            Unit::Count => format::short(value.round() as u64),
            Unit::Milliseconds => format::took(Duration::from_secs_f64(value.max(0.0) / 1000.0)),
            Unit::Usd => format::usd(value),
        }
    }
}

impl Unit {
    /// Beside a line of the chart: as short as can be.
    fn tick(self, value: f64) -> String {
        let short = |text: String| match text.split_once(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | '$')) {
            Some((figure, _)) if figure.contains('.') => text.replacen(figure, figure.trim_end_matches('0').trim_end_matches('.'), 1),
            None if text.contains('.') => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            _ => text,
        };
        if value == 0.0 { "0".to_owned() } else { short(self.write(value)) }
    }
}

/// One figure over time.
pub(super) struct Series {
    pub name: &'static str,
    pub ink: Ink,
    /// One for each span; `None`: nobody knows.
    pub values: Vec<Option<f64>>,
}

/// Figures over equal spans of time.
pub(super) struct Chart<'a> {
    /// When the first span begins, in seconds since 1970.
    pub begins: u64,
    /// How long a span is, in seconds.
    pub step: u64,
    pub form: Form,
    pub series: &'a [Series],
    pub unit: Unit,
    pub clock: Clock,
    /// What it shows, in a sentence, for those who do not see it.
    pub label: &'a str,
}

impl Chart<'_> {
    /// As an `svg` element.
    pub(super) fn draw(&self) -> Result<String, Error> {
        let mut drawn = String::new();
        {
            let root = Canvas::new(&mut drawn, WIDTH, HEIGHT).into_drawing_area();
            self.plot(&root)?;
        }
        let (label, hits) = (escaped(self.label), self.hits());
        Ok(format!(
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{drawn}<g class="hits">{hits}</g></svg>"#
        ))
    }

    fn plot(&self, root: &DrawingArea<Canvas<'_>, Shift>) -> Result<(), Error> {
        let fine = |pixels: u32| pixels as i32 * FINE;
        let span = self.step * self.spans() as u64;
        let axis = Axis::up_to(self.highest(), self.unit == Unit::Count);
        let times = ticks_of_time(self.begins, self.begins + span, self.clock).into_iter().map(|time| time as f64).collect();
        let clock = self.clock;
        let across = Scale::new(self.begins as f64..(self.begins + span) as f64, times, |time| clock.tick(time as u64, span));
        let up = Scale::new(0.0..axis.top, axis.ticks, |value| self.unit.tick(value));
        let mut builder = ChartBuilder::on(root);
        builder.margin_top(fine(ABOVE)).margin_right(fine(RIGHT)).x_label_area_size(fine(BELOW)).y_label_area_size(fine(LEFT));
        let mut chart = builder.build_cartesian_2d(across, up).map_err(Error::internal)?;
        let mut mesh = chart.configure_mesh();
        mesh.disable_x_mesh().set_all_tick_mark_size(fine(6)).axis_style(AXIS).bold_line_style(GRID).light_line_style(AXIS);
        mesh.label_style(TextStyle::from(("sans-serif", fine(11)).into_font()).color(&TICK));
        mesh.draw().map_err(Error::internal)?;
        match self.form {
            Form::Bars => {
                let bars = self.bars().into_iter().map(|(corners, ink)| Rectangle::new(corners, ink.colour().filled()));
                chart.draw_series(bars).map(|_| ())
            }
            Form::Lines => self.lines().into_iter().try_for_each(|(points, ink)| {
                chart.draw_series(LineSeries::new(points, ink.colour().stroke_width(2)).point_size(0)).map(|_| ())
            }),
        }
        .map_err(Error::internal)
    }

    fn spans(&self) -> usize {
        self.series.iter().map(|series| series.values.len()).max().unwrap_or_default().max(1)
    }

    fn highest(&self) -> f64 {
        let at = |span: usize| self.series.iter().filter_map(move |series| series.values.get(span).copied().flatten());
        let height = |span: usize| match self.form {
            Form::Bars => at(span).sum(),
            Form::Lines => at(span).fold(0.0, f64::max),
        };
        (0..self.spans()).map(height).fold(0.0, f64::max)
    }

    /// When a span begins.
    fn time(&self, span: usize) -> u64 {
        self.begins + self.step * span as u64
    }

    fn bars(&self) -> Vec<([(f64, f64); 2], Ink)> {
        let mut bars = Vec::new();
        for span in 0..self.spans() {
            let mut base = 0.0;
            for series in self.series {
                let Some(value) = series.values.get(span).copied().flatten().filter(|value| *value > 0.0) else { continue };
                let (left, width) = (self.time(span) as f64, self.step as f64);
                bars.push(([(left + width * GAP / 2.0, base), (left + width * (1.0 - GAP / 2.0), base + value)], series.ink));
                base += value;
            }
        }
        bars
    }

    /// From the middle of each span to that of the next; a value between two gaps is a short line of its own.
    fn lines(&self) -> Vec<(Vec<(f64, f64)>, Ink)> {
        let mut lines = Vec::new();
        let half = self.step as f64 / 2.0;
        for series in self.series {
            let known = series.values.iter().enumerate().map(|(span, value)| value.map(|value| (self.time(span) as f64 + half, value)));
            let mut line: Vec<(f64, f64)> = Vec::new();
            for point in known.chain([None]) {
                if let Some(point) = point {
                    line.push(point);
                    continue;
                }
                if let [(time, value)] = line[..] {
                    line = vec![(time - half * 0.6, value), (time + half * 0.6, value)];
                }
                if !line.is_empty() {
                    lines.push((std::mem::take(&mut line), series.ink));
                }
            }
        }
        lines
    }

    /// What lies under the pointer: each span, with its figures.
    fn hits(&self) -> String {
        let spans = self.spans();
        let width = f64::from(WIDTH - LEFT - RIGHT) / spans as f64;
        let height = HEIGHT - ABOVE - BELOW;
        let mut hits = String::new();
        for span in 0..spans {
            let figures = self.series.iter().filter_map(|series| {
                let value = series.values.get(span).copied().flatten()?;
                Some(format!("{} {}", series.name, self.unit.write(value)))
            });
            let figures = figures.collect::<Vec<_>>().join(" · ");
            if figures.is_empty() {
                continue;
            }
            let when = self.clock.text(self.time(span));
            let title = escaped(&format!("{}  {figures}", when.get(5..16).unwrap_or_default()));
            let x = f64::from(LEFT) + width * span as f64;
            // A string takes everything.
            let _ = write!(hits, r#"<rect x="{x:.1}" y="{ABOVE}" width="{width:.1}" height="{height}"><title>{title}</title></rect>"#);
        }
        hits
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::{Chart, Clock, Form, Ink, Series, Unit};

    fn chart(form: Form, values: &[Option<f64>]) -> String {
        let series = [
            Series { name: "<answered>", ink: Ink::Good, values: values.to_vec() },
            Series { name: "failed", ink: Ink::Bad, values: vec![Some(1.0); values.len()] },
        ];
        let (begins, clock) = (1_795_824_000, Clock::default());
        let chart = Chart { begins, step: 60, form, series: &series, unit: Unit::Count, clock, label: "\"Requests\" <b>" };
        chart.draw().unwrap()
    }

    #[test]
    fn bars_stand_on_each_other_and_colours_are_classes() {
        let svg = chart(Form::Bars, &[Some(3.0), Some(0.0), None, Some(7.0)]);
        assert!(svg.starts_with("<svg class=\"chart\"") && svg.contains("aria-label=\"&quot;Requests&quot; &lt;b>\""), "{svg}");
        assert_eq!((svg.matches("class=\"bar good\"").count(), svg.matches("class=\"bar bad\"").count()), (2, 4));
        for forbidden in ["style=", "fill=", "stroke=", "rgb", "#", "<answered>"] {
            assert!(!svg.contains(forbidden), "{forbidden}: {svg}");
        }
        assert!(svg.contains("<title>11-28 00:03  &lt;answered> 7 · failed 1</title>"), "{svg}");
        roxmltree::Document::parse(&svg).expect("well-formed");
    }

    #[test]
    fn what_stands_beside_a_line_is_short() {
        let ticks = |unit: Unit, values: &[f64]| values.iter().map(|value| unit.tick(*value)).collect::<Vec<_>>().join(" ");
        assert_eq!(ticks(Unit::Count, &[0.0, 500.0, 1500.0, 20_000.0]), "0 500 1.5k 20k");
        assert_eq!(ticks(Unit::Milliseconds, &[0.0, 250.0, 1000.0, 2500.0]), "0 250 ms 1 s 2.5 s");
        assert_eq!(ticks(Unit::Usd, &[0.0, 0.005, 0.5, 10.0]), "0 $0.005 $0.5 $10");
    }

    #[test]
    fn lines_break_where_nothing_is_known() {
        let svg = chart(Form::Lines, &[Some(3.0), Some(4.0), None, Some(7.0), None]);
        assert_eq!((svg.matches("class=\"line good\"").count(), svg.matches("class=\"line bad\"").count()), (2, 1), "{svg}");
        roxmltree::Document::parse(&svg).expect("well-formed");
    }

    #[test]
    fn nothing_at_all_is_an_empty_chart() {
        for form in [Form::Bars, Form::Lines] {
            let svg = chart(form, &[]);
            let marks = ["class=\"bar", "class=\"line good", "class=\"line bad"];
            assert!(marks.iter().all(|mark| !svg.contains(mark)), "{svg}");
        }
    }
}
