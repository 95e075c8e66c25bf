//! Text messages: alphabets, parts, addresses and states. Shared by the SMS area and the bridge, so that both count alike.
