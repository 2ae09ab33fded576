use super::*;

fn square(side: f64) -> Rect {
    Rect {
        x: 0.0,
        y: 0.0,
        width: side,
        height: side,
    }
}

#[test]
fn areas_are_kept_and_stay_inside() {
    let areas = [50.0, 20.0, 10.0, 10.0, 5.0, 3.0, 1.0, 1.0];
    let places = squarify(&areas, square(10.0));
    for (area, place) in areas.iter().zip(&places) {
        assert!(
            (place.area() - area).abs() < 1e-6,
            "{area} became {}",
            place.area()
        );
        assert!(place.x >= -1e-6 && place.x + place.width <= 10.0 + 1e-6);
        assert!(place.y >= -1e-6 && place.y + place.height <= 10.0 + 1e-6);
    }
}

#[test]
fn equal_areas_become_squares() {
    for place in squarify(&[25.0; 4], square(10.0)) {
        assert!((place.width - place.height).abs() < 1e-6);
    }
}

#[test]
fn nothing_is_placed_nowhere() {
    assert!(squarify(&[], square(10.0)).is_empty());
    assert_eq!(squarify(&[1.0], square(0.0)).len(), 1);
}
