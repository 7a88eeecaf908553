//! `cargo xtask icons`: every picture that the desktop app ships or shows, drawn from the SVGs in
//! `icons/`.
//!
//! The pictures are committed: Tauri wants them at compile time, and nobody should have to draw to
//! build. A test draws them again and compares, so a changed SVG cannot leave old pictures behind.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use icns::IconType;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::command::{self, TaskError};

/// Linux packages install these; `icon.png` is the window's.
const APP_PNGS: &[(&str, u16)] = &[
    ("32x32.png", 32),
    ("128x128.png", 128),
    ("128x128@2x.png", 256),
    ("icon.png", 512),
];

/// Tauri shows the first one in development, hence 32 before 16.
const ICO_PIXELS: &[u16] = &[32, 16, 24, 48, 64, 256];

const ICNS_TYPES: &[(IconType, u16)] = &[
    (IconType::RGBA32_16x16, 16),
    (IconType::RGBA32_16x16_2x, 32),
    (IconType::RGBA32_32x32, 32),
    (IconType::RGBA32_32x32_2x, 64),
    (IconType::RGBA32_128x128, 128),
    (IconType::RGBA32_128x128_2x, 256),
    (IconType::RGBA32_256x256, 256),
    (IconType::RGBA32_256x256_2x, 512),
    (IconType::RGBA32_512x512, 512),
    (IconType::RGBA32_512x512_2x, 1024),
];

/// Below this the key of `app.svg` becomes a smear: `app-small.svg` has fewer and thicker lines.
const SMALLEST_FULL_DRAWING: u16 = 32;

/// On macOS an icon's plate takes 824 of 1024 units; ours takes 480 of 512.
const MACOS_PLATE: f32 = (824.0 / 1024.0) / (480.0 / 512.0);

const TRAY_STATES: &[&str] = &["well", "needs-you", "locked", "busy", "hollow"];

/// Panels are 22 or 24 units high; Linux hosts and Windows scale the larger one down.
const TRAY_PNGS: &[(&str, u16)] = &[("", 22), ("@2x", 44)];

/// What a tray icon lies on, and the colours that can be seen there.
struct Panel {
    folder: &'static str,
    ink: &'static str,
    attention: &'static str,
    progress: &'static str,
}

const PANELS: &[Panel] = &[
    Panel {
        folder: "on-light",
        ink: "#3a3c40",
        attention: "#d97706",
        progress: "#3a5bd9",
    },
    Panel {
        folder: "on-dark",
        ink: "#f2f2f0",
        attention: "#f5b547",
        progress: "#8ea4ff",
    },
    // macOS takes the shape alone and colours it itself.
    Panel {
        folder: "template",
        ink: "#000",
        attention: "#000",
        progress: "#000",
    },
];

/// A file to be, below `icons/`.
struct Picture {
    path: PathBuf,
    bytes: Vec<u8>,
}

/// Draws every picture anew.
pub(crate) fn run() -> Result<(), TaskError> {
    write_all().map_err(|error| TaskError::Message(format!("the icons cannot be drawn: {error}")))
}

fn write_all() -> io::Result<()> {
    for picture in draw_all()? {
        let path = folder().join(picture.path);
        fs::create_dir_all(path.parent().expect("a picture stands in a folder"))?;
        fs::write(&path, picture.bytes)?;
    }
    Ok(())
}

fn folder() -> PathBuf {
    command::repository().join("icons")
}

fn draw_all() -> io::Result<Vec<Picture>> {
    let mut pictures = vec![
        Picture {
            path: "icon.ico".into(),
            bytes: ico()?,
        },
        Picture {
            path: "icon.icns".into(),
            bytes: icns()?,
        },
    ];
    for (name, pixels) in APP_PNGS {
        pictures.push(Picture {
            path: name.into(),
            bytes: png(&draw_app(*pixels, 1.0)?)?,
        });
    }
    for panel in PANELS {
        for state in TRAY_STATES {
            pictures.extend(tray(panel, state)?);
        }
    }
    Ok(pictures)
}

fn tray(panel: &Panel, state: &str) -> io::Result<Vec<Picture>> {
    let tree = read(Path::new(&format!("tray/{state}.svg")), Some(panel))?;
    TRAY_PNGS
        .iter()
        .map(|(suffix, pixels)| {
            Ok(Picture {
                path: format!("tray/{}/{state}{suffix}.png", panel.folder).into(),
                bytes: png(&draw(&tree, *pixels, 1.0))?,
            })
        })
        .collect()
}

/// Windows.
fn ico() -> io::Result<Vec<u8>> {
    let mut family = ico::IconDir::new(ico::ResourceType::Icon);
    for pixels in ICO_PIXELS {
        let side = u32::from(*pixels);
        let rgba = draw_app(*pixels, 1.0)?.take_demultiplied();
        let image = ico::IconImage::from_rgba_data(side, side, rgba);
        family.add_entry(ico::IconDirEntry::encode_as_png(&image)?);
    }
    let mut bytes = Vec::new();
    family.write(&mut bytes)?;
    Ok(bytes)
}

/// macOS.
fn icns() -> io::Result<Vec<u8>> {
    let mut family = icns::IconFamily::new();
    for (icon_type, pixels) in ICNS_TYPES {
        let side = u32::from(*pixels);
        let rgba = draw_app(*pixels, MACOS_PLATE)?.take_demultiplied();
        let image = icns::Image::from_data(icns::PixelFormat::RGBA, side, side, rgba)?;
        family.add_icon_with_type(&image, *icon_type)?;
    }
    let mut bytes = Vec::new();
    family.write(&mut bytes)?;
    Ok(bytes)
}

fn png(pixmap: &Pixmap) -> io::Result<Vec<u8>> {
    pixmap.encode_png().map_err(io::Error::other)
}

fn draw_app(pixels: u16, part_of_square: f32) -> io::Result<Pixmap> {
    let source = if pixels < SMALLEST_FULL_DRAWING {
        "app-small.svg"
    } else {
        "app.svg"
    };
    let tree = read(Path::new(source), None)?;
    Ok(draw(&tree, pixels, part_of_square))
}

/// One drawing of the tray serves every panel: its parts are `currentColor`, and a style sheet says
/// what that is.
fn read(source: &Path, panel: Option<&Panel>) -> io::Result<Tree> {
    let svg = fs::read_to_string(folder().join(source))?;
    let options = Options {
        style_sheet: panel.map(|it| {
            format!(
                "svg {{ color: {} }} .attention {{ color: {} }} .progress {{ color: {} }}",
                it.ink, it.attention, it.progress
            )
        }),
        ..Options::default()
    };
    Tree::from_str(&svg, &options)
        .map_err(|error| io::Error::other(format!("{}: {error}", source.display())))
}

/// A square picture with the drawing in its middle.
fn draw(tree: &Tree, pixels: u16, part_of_square: f32) -> Pixmap {
    let side = f32::from(pixels);
    let scale = side / tree.size().width() * part_of_square;
    let margin = side * (1.0 - part_of_square) / 2.0;
    let mut pixmap = Pixmap::new(pixels.into(), pixels.into()).expect("no size here is zero");
    let transform = Transform::from_scale(scale, scale).post_translate(margin, margin);
    resvg::render(tree, transform, &mut pixmap.as_mut());
    pixmap
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Cursor;

    use super::*;

    /// What another processor's floating point may change in a channel.
    const ROUNDING: u8 = 2;

    /// The images of a file: width and premultiplied pixels, since the colour of what is all but
    /// transparent means nothing.
    fn images(path: &Path, bytes: &[u8]) -> Vec<(u32, Vec<u8>)> {
        let file = Cursor::new(bytes);
        let straight: Vec<(u32, Vec<u8>)> = match path.extension().unwrap().to_str().unwrap() {
            "png" => {
                let image = ico::IconImage::read_png(file).unwrap();
                vec![(image.width(), image.into_rgba_data())]
            }
            "ico" => {
                let family = ico::IconDir::read(file).unwrap();
                let images = family.entries().iter().map(|it| it.decode().unwrap());
                images.map(|it| (it.width(), it.into_rgba_data())).collect()
            }
            "icns" => {
                let family = icns::IconFamily::read(file).unwrap();
                let types = family.available_icons();
                let images = types
                    .iter()
                    .map(|it| family.get_icon_with_type(*it).unwrap());
                images
                    .map(|it| {
                        let rgba = it.convert_to(icns::PixelFormat::RGBA);
                        (it.width(), rgba.data().to_vec())
                    })
                    .collect()
            }
            other => panic!("no picture of ours is a .{other}"),
        };
        straight
            .into_iter()
            .map(|(width, rgba)| (width, premultiplied(&rgba)))
            .collect()
    }

    fn premultiplied(rgba: &[u8]) -> Vec<u8> {
        rgba.chunks_exact(4)
            .flat_map(|pixel| {
                let with_alpha = |channel: u8| {
                    let product = u16::from(channel) * u16::from(pixel[3]) / 255;
                    u8::try_from(product).unwrap()
                };
                [
                    with_alpha(pixel[0]),
                    with_alpha(pixel[1]),
                    with_alpha(pixel[2]),
                    pixel[3],
                ]
            })
            .collect()
    }

    fn look_alike(one: &[(u32, Vec<u8>)], other: &[(u32, Vec<u8>)]) -> bool {
        one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| {
                one.0 == other.0 && one.1.len() == other.1.len() && {
                    let mut channels = one.1.iter().zip(&other.1);
                    channels.all(|(one, other)| one.abs_diff(*other) <= ROUNDING)
                }
            })
    }

    fn pictures_below(folder: &Path, found: &mut BTreeSet<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pictures_below(&path, found);
            } else if path.extension().is_some_and(|it| it != "svg") {
                found.insert(path);
            }
        }
    }

    #[test]
    fn committed_pictures_are_what_the_drawings_show() {
        let drawn = draw_all().unwrap();
        let mut committed = BTreeSet::new();
        pictures_below(&folder(), &mut committed);
        let paths: BTreeSet<PathBuf> = drawn.iter().map(|it| folder().join(&it.path)).collect();
        assert_eq!(committed, paths, "a picture is missing, or left over");
        for picture in drawn {
            let committed = fs::read(folder().join(&picture.path)).unwrap();
            assert!(
                look_alike(
                    &images(&picture.path, &committed),
                    &images(&picture.path, &picture.bytes)
                ),
                "icons/{} is of an older drawing: run `cargo xtask icons`",
                picture.path.display()
            );
        }
    }

    #[test]
    fn tray_states_differ_in_shape_where_there_is_no_colour() {
        let template = PANELS.last().unwrap();
        let mut shapes: Vec<Vec<u8>> = Vec::new();
        for state in TRAY_STATES {
            let tree = read(Path::new(&format!("tray/{state}.svg")), Some(template)).unwrap();
            let shape = draw(&tree, 22, 1.0);
            shapes.push(shape.pixels().iter().map(|it| it.alpha()).collect());
        }
        let pairs = (0..shapes.len()).flat_map(|one| (0..one).map(move |other| (one, other)));
        for (one, other) in pairs {
            let pixels = shapes[one].iter().zip(&shapes[other]);
            let other_pixels = pixels.filter(|(a, b)| a.abs_diff(**b) > 128).count();
            assert!(
                other_pixels >= 12,
                "`{}` and `{}` differ in {other_pixels} pixels only",
                TRAY_STATES[one],
                TRAY_STATES[other]
            );
        }
    }
}
