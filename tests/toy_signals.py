"""Small random models of signals: waveforms, spectrograms, series, frames."""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn

os.environ.setdefault("HF_HUB_OFFLINE", "1")

_SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def wav2vec():
    from transformers import Wav2Vec2Config, Wav2Vec2Model

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        **_SMALL,
        intermediate_size=32,
        conv_dim=(8,) * 7,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
    )
    return Wav2Vec2Model(config).eval()


def whisper():
    from transformers import WhisperConfig, WhisperModel

    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=60,
        num_mel_bins=8,
        d_model=16,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=32,
        decoder_ffn_dim=32,
        max_source_positions=50,
        max_target_positions=20,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    return WhisperModel(config).eval()


def t5():
    from transformers import T5Config, T5Model

    torch.manual_seed(0)
    config = T5Config(vocab_size=60, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2)
    return T5Model(config).eval()


def patch_tst(**settings):
    from transformers import PatchTSTConfig, PatchTSTModel

    torch.manual_seed(0)
    config = PatchTSTConfig(
        num_input_channels=3,
        context_length=32,
        patch_length=8,
        patch_stride=8,
        d_model=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        ffn_dim=32,
        **settings,
    )
    return PatchTSTModel(config).eval()


def video_mae():
    from transformers import VideoMAEConfig, VideoMAEModel

    torch.manual_seed(0)
    sizes = {"image_size": 16, "patch_size": 8, "num_frames": 4, "tubelet_size": 2}
    return VideoMAEModel(VideoMAEConfig(**_SMALL, **sizes, intermediate_size=32)).eval()


def vivit():
    from transformers import VivitConfig, VivitModel

    torch.manual_seed(0)
    sizes = {"image_size": 16, "num_frames": 4, "tubelet_size": [2, 8, 8]}
    return VivitModel(VivitConfig(**_SMALL, **sizes, intermediate_size=32)).eval()


def vit():
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    config = ViTConfig(**_SMALL, image_size=16, patch_size=4, intermediate_size=32)
    return ViTModel(config).eval()


class CrepeConvolution(nn.Module):
    """The first layer of CREPE: 512 taps every 4 samples, behind 254 zeros on either side."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv1d(1, 4, 512, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.convolution(nn.functional.pad(x, (254, 254)))


class Crepe(nn.Module):
    """A pitch network over frames of 1024 samples, whose batch is batch * time, as CREPE's is."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(1, 8, (512, 1), (4, 1))
        self.norm = nn.BatchNorm2d(8)
        self.classifier = nn.Linear(8 * 127, 36)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, None, :, None]
        x = self.convolution(nn.functional.pad(x, (0, 0, 254, 254))).relu()
        x = nn.functional.max_pool2d(self.norm(x), (2, 1), (2, 1))[:, :, :127]
        return self.classifier(x.permute(0, 2, 1, 3).reshape(-1, 8 * 127)).sigmoid()


class VoiceEncoder(nn.Module):
    """Three recurrent layers whose last state is projected, as Resemblyzer does."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.lstm = nn.LSTM(10, 16, 3, batch_first=True)
        self.project = nn.Linear(16, 16)

    def forward(self, mels: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(mels)
        return self.project(hidden[-1]).relu()


class UNet(nn.Module):
    """Two halvings and two doublings with a skip connection; lengths are multiples of four."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.down = nn.Conv1d(2, 8, 3, 2, 1)
        self.deep = nn.Conv1d(8, 8, 3, 2, 1)
        self.up = nn.ConvTranspose1d(8, 8, 4, 2, 1)
        self.out = nn.ConvTranspose1d(16, 4, 4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        down = self.down(x)
        return self.out(torch.cat([self.up(self.deep(down)), down], 1))


def strided_convolutions():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv1d(1, 8, 10, 5),
        nn.GELU(),
        nn.Conv1d(8, 8, 4, 2, padding=1),
        nn.GELU(),
        nn.Conv1d(8, 8, 3, 1, padding=1),
    )
