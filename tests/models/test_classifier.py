"""The classifier: a song alone equals the song in a batch, padding changes nothing, each side learns at its rate."""

import shutil
from dataclasses import fields, replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import DistilBertConfig, DistilBertModel

from research.batch import Batch
from research.models.audio import AudioConfig, AudioEncoder, load_weights
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.fusion import FUSIONS
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder

BOTH = ModelConfig(lyrics=LyricsConfig(model=MINILM), fusion="gated")
N_MELS = 32


def song_batch(n: int = 3, windows: int = 2, tokens: int = 12) -> Batch:
    generator = torch.Generator().manual_seed(1)
    mask = torch.ones(n, tokens, dtype=torch.long)
    mask[1, 5:] = 0
    return Batch(
        mel=torch.randn(n, windows, N_MELS, 72, generator=generator) * 20 - 30,
        input_ids=torch.randint(1000, 20000, (n, tokens), generator=generator) * mask,
        attention_mask=mask,
        audio_vectors=torch.zeros(n, 0),
        lyrics_vectors=torch.zeros(n, 0),
        has_audio=torch.ones(n, dtype=torch.bool),
        has_lyrics=torch.ones(n, dtype=torch.bool),
        target=torch.arange(n) % 4,
        track_index=torch.arange(n),
    )


def pick(batch: Batch, rows: list[int], tokens: int | None = None) -> Batch:
    chosen = {field.name: getattr(batch, field.name)[rows] for field in fields(batch)}
    chosen["input_ids"], chosen["attention_mask"] = (
        chosen["input_ids"][:, :tokens],
        chosen["attention_mask"][:, :tokens],
    )
    return Batch(**chosen)


@pytest.fixture(scope="module")
def model() -> MoodClassifier:
    torch.manual_seed(0)
    return MoodClassifier(BOTH, n_labels=4, n_mels=N_MELS).eval()


@torch.no_grad()
def test_a_song_alone_is_the_song_in_a_batch(model):
    together, batch = model(song_batch()), song_batch()
    alone = torch.cat([model(pick(batch, [row])) for row in range(3)])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)  # float32 sums in another order, logits of order 1


@torch.no_grad()
def test_padding_words_changes_nothing(model):
    batch = song_batch()
    padded, tight = model(pick(batch, [1])), model(pick(batch, [1], tokens=5))
    torch.testing.assert_close(padded, tight, rtol=0, atol=1e-4)


@torch.no_grad()
def test_a_missing_side_is_neither_computed_nor_read(model):
    batch = song_batch()
    gone = replace(batch, has_lyrics=torch.tensor([False, True, True]))
    other_words = batch.input_ids.clone()
    other_words[0] = 2000
    assert torch.equal(model(gone), model(replace(gone, input_ids=other_words)))
    # With no words at all the tokens may even be absent.
    mute = replace(batch, has_lyrics=torch.zeros(3, dtype=torch.bool))
    empty = torch.zeros(3, 0, dtype=torch.long)
    assert torch.equal(model(mute), model(replace(mute, input_ids=empty, attention_mask=empty)))


@torch.no_grad()
def test_a_song_is_the_mean_of_its_windows():
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioConfig(), N_MELS).eval()
    mel = song_batch().mel
    expected = (encoder(mel[:, :1]) + encoder(mel[:, 1:])) / 2
    torch.testing.assert_close(encoder(mel), expected, rtol=1e-4, atol=1e-5)  # float32 convolutions in another blocking


@pytest.mark.parametrize(("n_mels", "frames"), [(16, 72), (32, 62), (32, 64)])
def test_windows_too_small_for_the_network_are_refused(n_mels, frames):
    with pytest.raises(ValueError, match=f"{n_mels} mel bands x {frames} frames are too small"):
        AudioEncoder(AudioConfig(), n_mels)(torch.zeros(1, 1, n_mels, frames))


@torch.no_grad()
def test_words_are_mean_pooled_over_real_tokens():
    encoder = LyricsEncoder(LyricsConfig(model=MINILM)).eval()
    batch = song_batch()
    hidden = encoder.bert(batch.input_ids[1:2, :5]).last_hidden_state
    expected = hidden.mean(dim=1)
    pooled = encoder(batch.input_ids[1:2], batch.attention_mask[1:2])
    torch.testing.assert_close(pooled, expected, rtol=0, atol=1e-5)  # float32, vectors of order 0.1


def test_rates_and_decay_reach_the_right_parameters(model):
    groups = model.parameter_groups(learning_rate=1e-3, weight_decay=0.1)
    where = {id(p): group for group in groups for p in group["params"]}
    expected = {
        "audio.network.conv1.weight": (2e-4, 0.1),
        "audio.network.bn1.weight": (2e-4, 0.0),
        "lyrics.bert.encoder.layer.5.output.dense.weight": (5e-5, 0.1),
        "join.gate.weight": (1e-3, 0.1),
        "join.gate.bias": (1e-3, 0.0),
    }
    parameters = dict(model.named_parameters())
    found = {n: (where[id(parameters[n])]["lr"], where[id(parameters[n])]["weight_decay"]) for n in expected}
    assert found == expected
    assert {n for n, p in parameters.items() if id(p) not in where} == {
        "audio.normalise.weight",
        "audio.normalise.bias",
    }


@pytest.mark.parametrize(("layers", "trained"), [(0, 0), (2, 2 * 1_774_464)])  # a MiniLM layer: 12 d^2 + 13 d, d = 384
def test_frozen_layers_do_not_learn(layers, trained):
    encoder = LyricsEncoder(LyricsConfig(model=MINILM, trainable_layers=layers))
    assert sum(p.numel() for p in encoder.parameters() if p.requires_grad) == trained


@torch.no_grad()
def test_a_frozen_encoder_stands_before_the_model():
    torch.manual_seed(0)
    frozen = replace(BOTH, lyrics=LyricsConfig(model=MINILM, trainable_layers=0))
    model = MoodClassifier(frozen, n_labels=4, n_mels=N_MELS).eval()
    assert not any(name.startswith("lyrics.") for name in model.state_dict())
    encoder = LyricsEncoder(frozen.lyrics).eval()
    batch = song_batch()
    vectors = encoder(batch.input_ids, batch.attention_mask)
    precomputed = model(replace(batch, lyrics_vectors=vectors))
    # The same head on an encoder that computes the vectors itself gives the same logits.
    model.lyrics = encoder
    torch.testing.assert_close(precomputed, model(batch), rtol=0, atol=1e-5)


def test_partial_weights_are_named_as_such(tmp_path):
    from torchvision.models import resnet18

    state = {k: v for k, v in resnet18().state_dict().items() if not k.startswith(("layer4", "fc"))}
    torch.save(state, tmp_path / "photos.pth")
    encoder = AudioEncoder(AudioConfig(weights=str(tmp_path / "photos.pth")), N_MELS)
    assert encoder.initialised_from == "photos up to layer3"
    # A grey picture through the summed stem answers as RGB of three equal channels does.
    assert torch.equal(encoder.network.conv1.weight, state["conv1.weight"].sum(dim=1, keepdim=True))


@pytest.mark.parametrize(("content", "message"), [(None, "no such file"), ({"a": torch.zeros(1)}, "not a resnet18")])
def test_wrong_weights_are_refused(tmp_path, content, message):
    from torchvision.models import resnet18

    path = tmp_path / "weights.pth"
    if content is not None:
        torch.save(content, path)
    with pytest.raises(ValueError, match=message):
        load_weights(resnet18(), str(path))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (replace(BOTH, audio=None, lyrics=None), "at least one modality"),
        (replace(BOTH, fusion="sum"), "unknown fusion 'sum'"),
        (replace(BOTH, lyrics=LyricsConfig(model="no/such-bert")), "no/such-bert.*minilm"),
        (replace(BOTH, lyrics=LyricsConfig(model=MINILM, trainable_layers=7)), "trainable_layers=7.*6 layers"),
    ],
)
def test_impossible_models_are_refused(config, message):
    with pytest.raises(ValueError, match=message):
        MoodClassifier(config, n_labels=4, n_mels=N_MELS)


@torch.no_grad()
@pytest.mark.parametrize("fusion", [*FUSIONS, "one side"])
def test_tags_start_where_they_are_told_and_moods_stay(fusion, tiny_bert):
    learns = fusion == "cross_attention"  # reads tokens, which a frozen encoder does not leave
    lyrics = LyricsConfig(model=str(tiny_bert)) if learns else LyricsConfig(model=MINILM, trainable_layers=0)
    config = (
        ModelConfig(audio=None, lyrics=lyrics) if fusion == "one side" else ModelConfig(lyrics=lyrics, fusion=fusion)
    )
    torch.manual_seed(0)
    model = MoodClassifier(config, n_labels=6, n_mels=N_MELS).eval()
    batch = song_batch()
    if not learns:
        batch = replace(batch, lyrics_vectors=torch.randn(3, 384, generator=torch.Generator().manual_seed(0)))
    batch = replace(batch, has_lyrics=torch.tensor([True, True, fusion == "one side"]))
    model.start_tags_at(torch.zeros(2))
    before = model(batch)
    model.start_tags_at(torch.tensor([-3.0, 1.5]))
    moved = torch.tensor([0, 0, 0, 0, -3.0, 1.5]).expand(3, 6)
    torch.testing.assert_close(model(batch) - before, moved, rtol=0, atol=1e-5)  # float32, logits of order 1


def test_each_layers_rate_is_a_share_of_the_one_above(tiny_bert):
    words = LyricsConfig(model=str(tiny_bert), pooling="attention", learning_rate=1e-3, layer_decay=0.5)
    sound = AudioConfig(learning_rate=2e-4, layer_decay=0.1)
    model = MoodClassifier(ModelConfig(audio=sound, lyrics=words, dim=8), n_labels=4, n_mels=N_MELS)
    groups = model.parameter_groups(learning_rate=3e-4, weight_decay=0.1)
    rates = {parameter: group["lr"] for group in groups for parameter in group["params"]}
    by_hand = {
        "lyrics.weigh": 1e-3,
        "lyrics.bert.encoder.layer.1": 1e-3,
        "lyrics.bert.encoder.layer.0": 5e-4,
        "lyrics.bert.embeddings": 2.5e-4,
        "audio.network.layer4": 2e-4,
        "audio.network.layer3": 2e-5,
        "audio.network.layer2": 2e-6,
        "audio.network.layer1": 2e-7,
        "audio.network.bn1": 2e-8,
        "audio.network.conv1": 2e-8,
        "audio_projection": 3e-4,
        "lyrics_projection": 3e-4,
        "join": 3e-4,
    }
    for prefix, rate in by_hand.items():
        found = [rates[p] for name, p in model.named_parameters() if name.startswith(f"{prefix}.")]
        assert found == [pytest.approx(rate, rel=1e-12)] * len(found), prefix
    assert len(rates) == sum(p.requires_grad for p in model.parameters())


def test_layers_that_never_learn_are_not_unfrozen(tiny_bert):
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=1)
    model = MoodClassifier(ModelConfig(audio=None, lyrics=words, dim=8), n_labels=4, n_mels=N_MELS)
    learns = {name for name, p in model.named_parameters() if p.requires_grad}
    model.unfreeze(0)
    assert not any(p.requires_grad for p in model.lyrics.bert.parameters())
    assert all(p.requires_grad for p in model.join.parameters())
    model.unfreeze(9)
    assert {name for name, p in model.named_parameters() if p.requires_grad} == learns


def test_layers_are_found_whatever_they_are_called(tmp_path):
    small = {"vocab_size": 9, "dim": 8, "n_layers": 3, "n_heads": 2, "hidden_dim": 8, "max_position_embeddings": 16}
    DistilBertModel(DistilBertConfig(**small)).save_pretrained(tmp_path)
    encoder = LyricsEncoder(LyricsConfig(model=str(tmp_path), trainable_layers=2))
    names = {parameter: name for name, parameter in encoder.named_parameters()}
    layers = [{names[parameter].split(".layer.")[1][0] for parameter in layer} for layer in encoder.layers()]
    assert layers == [{"2"}, {"1"}]
    assert {name.split(".layer.")[1][0] for p, name in names.items() if p.requires_grad} == {"1", "2"}


@pytest.mark.parametrize(
    ("lacks", "refused"), [("pooler.dense.weight", False), ("encoder.layer.1.output.dense.weight", True)]
)
def test_an_encoder_without_some_of_its_weights_is_refused(tiny_bert, tmp_path, capfd, lacks, refused):
    folder = tmp_path / "bert"
    shutil.copytree(tiny_bert, folder)
    weights = load_file(folder / "model.safetensors")
    del weights[lacks]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = LyricsConfig(model=str(folder))
    if refused:
        with pytest.raises(
            ValueError, match=rf"cannot be loaded \(it lacks 1 weights of the encoder, such as {lacks}\)"
        ):
            LyricsEncoder(config)
    else:
        LyricsEncoder(config)  # the pooler is not used
        assert "MISSING" not in "".join(capfd.readouterr())
