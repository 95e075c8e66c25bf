//! What the platform says to be switched off.

use homeroom_sms_contract::submit::SwitchedOff;

use crate::place::*;

pub(crate) async fn what_is_switched_off_is_kept_until_something_later_is_said(place: Place) {
    let said = |esmes: &[i64], at| SwitchedOff {
        esmes: esmes.to_vec(),
        at,
    };
    let store = place.open().await;
    assert_eq!(store.switched_off().await.unwrap(), said(&[], 0));
    for (now, kept) in [
        (said(&[101, 100], NOW), said(&[100, 101], NOW)),
        (said(&[], NOW - 1), said(&[100, 101], NOW)),
        (said(&[102, 102], NOW), said(&[102], NOW)),
        (said(&[], NOW + 1), said(&[], NOW + 1)),
        (said(&[7], NOW + 2), said(&[7], NOW + 2)),
    ] {
        store.switch_off(now).await.unwrap();
        assert_eq!(store.switched_off().await.unwrap(), kept);
    }
    drop(store);
    let again = place.open().await;
    assert_eq!(again.switched_off().await.unwrap(), said(&[7], NOW + 2));
}
